"""`python -m calling_pipeline_tests.takeover.night FOLDER [--history N]`: the rehearsal, from bare roots to the way back.

First the roots are made, which needs a Debian mirror and PyPI. Then the program begins itself again in namespaces of
its own: a network with nothing but loopback, so that every port is free and nothing can leave; processes and mounts, which
end with it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from calling_pipeline_tests.deploy.bare_root import missing
from calling_pipeline_tests.support import end_processes, start_process, wait_until
from calling_pipeline_tests.takeover.night import evening, journal, mariadb, night, roots, way_back
from calling_pipeline_tests.takeover.night.centre import SIMULATOR, Centre

HISTORY = 300_000
FRESH = ("old", "centre")


def main() -> None:
    """Prepare, then begin again inside."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--history", type=int, default=HISTORY, help="numbers that the old centre called")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    folder = given.folder.resolve()
    if given.inside:
        rehearse(folder, given.history)
        return
    why_not = missing()
    if why_not:
        sys.exit(f"the rehearsal {why_not}")
    folder.mkdir(parents=True, exist_ok=True)
    log = journal.Journal(folder)
    prepare(folder, log)
    inner = ["unshare", "--net", "--mount", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc"]
    words = [
        sys.executable,
        "-m",
        "calling_pipeline_tests.takeover.night",
        str(folder),
        "--history",
        str(given.history),
        "--inside",
    ]
    ended = subprocess.run([*inner, *words], check=False).returncode
    for name in (*FRESH, "first", "spare", "vendors"):
        shutil.rmtree(folder / name, ignore_errors=True)
    sys.exit(ended)


def prepare(folder: Path, log: journal.Journal) -> None:
    """Both roots, with everything that has to be fetched."""
    with log.step("a bare Debian with MariaDB"):
        roots.make(folder, "mariadb", roots.OLD)
    with log.step("a bare Debian with Python and PostgreSQL"):
        centre = roots.make(folder, "centre", roots.CENTRE)
    with log.step("the product installed as docs/deployment.md says"):
        roots.install(centre)


def rehearse(folder: Path, history: int) -> None:
    """The night itself."""
    log = journal.Journal(folder)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    made = {"old": "mariadb", "first": "centre", "spare": "centre"}
    machines = {name: roots.machine_of(folder, name, root) for name, root in made.items()}
    try:
        vendors = folder / "vendors"
        vendors.mkdir(exist_ok=True)
        _simulator(vendors)
        old = mariadb.OldCentre(machines["old"])
        first, spare = Centre(machines["first"], log), Centre(machines["spare"], log)
        began = evening.evening(first, old, history)
        night.night(first, spare, began)
        way_back.way_back(spare, old, began)
        log.say("the night is over")
    finally:
        end_processes()


def _simulator(folder: Path) -> None:
    """The vendors, outside of both roots."""
    port = SIMULATOR.rpartition(":")[2]
    words = [sys.executable, "-m", "calling_pipeline.cli.entry", "simulator", "--port", port]
    with (folder / "log").open("ab") as output:
        start_process([*words, "--pushed-calls", str(folder / "pushed.jsonl")], stdout=output, stderr=output,
                      env={**os.environ, "CALLING_HOME": str(folder)})  # fmt: skip
    wait_until(night.gateway_answers, every_s=0.2)


if __name__ == "__main__":
    main()
