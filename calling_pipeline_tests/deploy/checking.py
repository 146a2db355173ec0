"""Looks at `deploy/` with the tools of `requirements-deploy.txt`: `python -m calling_pipeline_tests.deploy.checking`.

It exits 1 when one of them finds anything, and says which had nothing to look with.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from calling_pipeline_tests.deploy.containerfile import CONTAINERFILE, ROOT
from calling_pipeline_tests.deploy.files import DEPLOY

TOOLS = Path(os.environ.get("CALLING_TEST_DEPLOY_TOOLS", ROOT / ".venv" / "deploy" / "bin"))
VERSIONS = ("1.32", "1.37")
"""Of Kubernetes: the oldest that the manifests are written for, and the newest whose schema the tool has."""
OVERLAY = DEPLOY / "kubernetes" / "overlays" / "production"


def main() -> int:
    """How many tools found something."""
    base = [str(path) for path in sorted((DEPLOY / "kubernetes" / "base").glob("*.yaml")) if path.stem != "kustomization"]
    found = [
        _run("hadolint", str(CONTAINERFILE)),
        _run("yamllint", "--strict", "-c", str(ROOT / ".yamllint.yaml"), str(DEPLOY)),
        _run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(DEPLOY / "compose.yaml")),
        *(_run("kubernetes-validate", "--strict", "-k", version, *base) for version in VERSIONS),
        *_rendered(),
    ]
    return sum(found)


def _rendered() -> list[bool]:
    """The overlay as a cluster would get it."""
    if shutil.which("kubectl") is None:
        sys.stdout.write("kubectl is not here: the overlay was not rendered\n")
        return []
    rendered = subprocess.run(["kubectl", "kustomize", str(OVERLAY)], capture_output=True, text=True, check=True).stdout
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(rendered)
        file.flush()
        return [_run("kubernetes-validate", "--strict", "-k", version, file.name) for version in VERSIONS]


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
