"""Does what `deploy/Containerfile` says in a bare Debian root instead of a container engine, and runs its roles there.

Needs root and mmdebstrap. A stage is a folder; RUN is executed in it with a mount and process namespace of its own. The
machine's own package clients say where packages come from: their files and variables are bound into the root while a stage
is built, and are gone when a role runs.
"""

from __future__ import annotations

import glob
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from calling_pipeline_tests.deploy.containerfile import CONTAINERFILE, ROOT, Stage, command, environment, line_of, stages

UID = 10001
CLIENTS = (
    "/etc/resolv.conf", "/etc/pip.conf", "/etc/xdg/pip", "/etc/ssl/certs", "/usr/local/share/ca-certificates",
    "/opt/wheels", *glob.glob("/opt/pypi*"),
)  # fmt: skip
_DROP = (
    "/usr/bin/setpriv", "--reuid", str(UID), "--regid", str(UID), "--clear-groups", "--no-new-privs", "--bounding-set=-all",
    "--inh-caps=-all",
)  # fmt: skip
_VARIABLES = ("PIP_", "SSL_", "http", "https", "no_proxy", "REQUESTS_CA")


def missing() -> str | None:
    """Why this machine cannot do it; None when it can."""
    if os.geteuid() != 0:
        return "needs root: it makes a Debian root and enters it"
    absent = [tool for tool in ("mmdebstrap", "unshare", "chroot") if shutil.which(tool) is None]
    return f"needs {', '.join(absent)}" if absent else None


def make_base(folder: Path, suite: str = "bookworm") -> Path:
    """A bare Debian: what `debian:…-slim` holds, and no more."""
    root = folder / "base"
    if not root.exists():
        archive = folder / "base.tar"
        if not archive.exists():
            subprocess.run(["mmdebstrap", "--variant=minbase", suite, str(archive)], check=True)
        root.mkdir(parents=True)
        subprocess.run(["tar", "--extract", "--file", str(archive), "--directory", str(root)], check=True)
    return root


class Builder:
    """Builds stages below `folder`, each once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stages = stages(CONTAINERFILE.read_text(encoding="utf-8"))
        self._done: dict[str, Path] = {}

    def build(self, name: str) -> Path:
        """The root of this target, its parents' included."""
        if name not in self._done:
            stage = self.stages[name]
            base = self.build(stage.parent) if stage.parent in self.stages else make_base(self.folder)
            root = self.folder / name
            shutil.rmtree(root, ignore_errors=True)
            subprocess.run(["cp", "--archive", "--reflink=auto", str(base), str(root)], check=True)
            self._carry_out(stage, root)
            self._done[name] = root
        return self._done[name]

    def _carry_out(self, stage: Stage, root: Path) -> None:
        before = environment(stage.parent, self.stages) if stage.parent in self.stages else {}
        where, shell = "/", ["/bin/sh", "-c"]
        for parent in line_of(stage.name, self.stages):
            shell = shlex.split(parent.of("SHELL")[-1].strip("[]").replace(",", " ")) if parent.of("SHELL") else shell
        for one in stage.instructions:
            if one.word == "WORKDIR":
                where = one.text
                (root / where.lstrip("/")).mkdir(parents=True, exist_ok=True)
            elif one.word == "COPY":
                self._copy(one.text, root, where)
            elif one.word == "RUN":
                print(f"[{stage.name}] RUN {one.text}", flush=True)
                inside(root, [*shell, one.text], where=where, variables=before, clients=True)

    def _copy(self, text: str, root: Path, where: str) -> None:
        words = text.split()
        source = ROOT
        if words[0].startswith("--from="):
            source = self.build(words.pop(0).removeprefix("--from="))
        *wanted, target = words
        for name in wanted:
            destination = root / os.path.join(where, target).lstrip("/")
            if target.endswith("/"):
                destination.mkdir(parents=True, exist_ok=True)
                destination /= Path(name).name
            destination.parent.mkdir(parents=True, exist_ok=True)
            one = source / name.lstrip("/")
            if one.is_dir():
                ignore = shutil.ignore_patterns("__pycache__") if source == ROOT else None
                shutil.copytree(one, destination, symlinks=True, ignore=ignore, dirs_exist_ok=True)
            else:
                shutil.copy2(one, destination)

    def command(self, name: str) -> list[str]:
        """What a container of the target runs."""
        return command(name, self.stages)

    def environment(self, name: str) -> dict[str, str]:
        """The environment of a container of the target."""
        return environment(name, self.stages)


def entered(pid: int, words: Sequence[str], variables: Mapping[str, str]) -> list[str]:
    """The command that runs beside this process of a role, as an engine runs a health check: it sees its processes."""
    pairs = [f"{name}={value}" for name, value in variables.items()]
    enter = ["nsenter", "--target", str(pid), "--mount", "--pid", "--root", "--wd"]
    return [*enter, *_DROP, "/usr/bin/env", "-i", *pairs, *words]


def inside(
    root: Path, words: Sequence[str], *, where: str = "/", variables: Mapping[str, str] | None = None, clients: bool = False
) -> None:
    """Run a command in the root as its administrator, and wait for it; raises `CalledProcessError` when it fails."""
    given = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", **(variables or {})}
    script = ["set -e", f"cd {shlex.quote(str(root))}", "mount -t proc proc proc", "mount --bind /dev dev"]
    if clients:
        given |= {name: value for name, value in os.environ.items() if name.startswith(_VARIABLES)}
        script += [line for path in CLIENTS if os.path.exists(path) for line in _bound(path, root)]
    script.append(f"exec chroot . /bin/sh -c {shlex.quote(f'cd {where} && exec {shlex.join(words)}')}")
    subprocess.run(["unshare", "--mount", "--pid", "--fork", "/bin/sh", "-c", "\n".join(script)], env=given, check=True)


def _bound(path: str, root: Path) -> list[str]:
    inner = root / path.lstrip("/")
    if Path(path).is_dir():
        return [f"mkdir -p {inner}", f"mount --bind {path} {inner}"]
    return [f"mkdir -p {inner.parent}", f"touch {inner}", f"mount --bind {path} {inner}"]


def contained(
    root: Path, words: Sequence[str], variables: Mapping[str, str], mounts: Mapping[Path, str], *, where: str
) -> list[str]:
    """The command that runs a role as a container would: read-only root, own processes, uid 10001, no capability.

    `mounts`: folders of this machine that may be written there. The network is this machine's.
    """
    inner = shlex.quote(str(root))
    script = ["set -e", f"mount --bind {inner} {inner}", f"cd {inner}", "mount -t proc proc proc", "mount --bind /dev dev"]
    script += ["mount -t tmpfs -o mode=1777,size=256m tmpfs tmp"]
    script += ["mount -t tmpfs -o mode=1777,size=64m tmpfs dev/shm"]  # as engines give one: the start of a run needs it
    for path, target in mounts.items():
        script += [f"mkdir -p .{target}", f"mount --bind {shlex.quote(str(path))} .{target}"]
    script += [f"mount -o remount,ro,bind {inner}"]
    pairs = shlex.join(f"{name}={value}" for name, value in variables.items())
    run = f"cd {where} && exec env -i {pairs} {shlex.join(words)}"
    script.append(f"exec chroot . {shlex.join(_DROP)} /bin/sh -c {shlex.quote(run)}")
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "/bin/sh", "-c", "\n".join(script)]
