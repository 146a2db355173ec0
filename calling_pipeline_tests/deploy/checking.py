"""Looks at `deploy/` with the tools of `requirements-deploy.txt`: `python -m calling_pipeline_tests.deploy.checking`.

It exits 1 when one of them finds anything, and says which had nothing to look with.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from calling_pipeline_tests.deploy.containerfile import CONTAINERFILE, ROOT
from calling_pipeline_tests.deploy.files import BASE, CELERY, DEPLOY

TOOLS = Path(os.environ.get("CALLING_TEST_DEPLOY_TOOLS", ROOT / ".venv" / "deploy" / "bin"))
VERSIONS = ("1.32", "1.37")
"""Of Kubernetes: the oldest that the manifests are written for, and the newest whose schema the tool has."""
OVERLAYS = sorted((DEPLOY / "kubernetes" / "overlays").iterdir())


def main() -> int:
    """How many tools found something."""
    parts = (path for folder in (BASE, CELERY) for path in sorted(folder.glob("*.yaml")))
    base = [str(path) for path in parts if path.stem != "kustomization"]
    found = [
        _run("hadolint", str(CONTAINERFILE)),
        _run("yamllint", "--strict", "-c", str(ROOT / ".yamllint.yaml"), str(DEPLOY)),
        _run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(DEPLOY / "compose.yaml")),
        *(_run("kubernetes-validate", "--strict", "-k", version, *base) for version in VERSIONS),
        *_rendered(),
    ]
    return sum(found)


def _rendered() -> Iterator[bool]:
    """The overlays as a cluster would get them."""
    if shutil.which("kubectl") is None:
        sys.stdout.write("kubectl is not here: the overlays were not rendered\n")
        return
    for overlay in OVERLAYS:
        rendered = subprocess.run(["kubectl", "kustomize", str(overlay)], capture_output=True, text=True, check=True).stdout
        with tempfile.NamedTemporaryFile("w", prefix=overlay.name, suffix=".yaml") as file:
            file.write(rendered)
            file.flush()
            yield from (_run("kubernetes-validate", "--strict", "-k", version, file.name) for version in VERSIONS)


def _run(tool: str, *arguments: str) -> bool:
    """Whether it found anything; what it said is shown then."""
    command: Sequence[str] = [str(TOOLS / tool), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    sys.stdout.write(f"{tool} {' '.join(Path(one).name for one in arguments[-1:])}: {done.returncode}\n")
    if done.returncode:
        sys.stdout.write(done.stdout + done.stderr)
    return bool(done.returncode)


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
