"""`make bench`: runs every `bench_*.py` (or those named), each in a process of its own, one JSON line per figure."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

_FOLDER = Path(__file__).parent


def main(names: list[str]) -> int:
    """Run the named benchmarks, all without names; exit status 1 when one of them crashed."""
    known = sorted(path.stem.removeprefix("bench_") for path in _FOLDER.glob("bench_*.py"))
    unknown = set(names) - set(known)
    if unknown:
        sys.exit(f"no benchmark called {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    crashed = 0
    for name in names or known:
        print(f"benchmark {name} …", file=sys.stderr, flush=True)
        crashed += subprocess.run([sys.executable, "-m", __package__, "--here", name], check=False).returncode != 0
    return min(crashed, 1)


def run_here(name: str) -> None:
    """Run one benchmark in this process."""
    for line in importlib.import_module(f"{__package__}.bench_{name}").run():
        print(json.dumps(line, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--here"]:
        run_here(sys.argv[2])
    else:
        sys.exit(main(sys.argv[1:]))
