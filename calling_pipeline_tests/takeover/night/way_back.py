"""`docs/takeover.md`, section 6: what was done here, loaded into the old tables."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable

from calling_pipeline import days
from calling_pipeline.phones import read_phone
from calling_pipeline_tests.takeover.night.centre import Centre
from calling_pipeline_tests.takeover.night.evening import Begun
from calling_pipeline_tests.takeover.night.mariadb import OldCentre
from calling_pipeline_tests.takeover.night.night import called

FOLDER = "/srv/back"


def way_back(centre: Centre, old: OldCentre, begun: Begun) -> None:
    """Shadow mode again, the export, the load: the old centre knows everybody who was called here."""
    log = centre.journal
    assert begun.switched_at is not None
    since = f"{begun.switched_at.astimezone(days.SHANGHAI):%Y-%m-%dT%H:%M}"
    with log.step("6. the way back"):
        centre.setting("SHADOW", "true")
        centre.stop()
        centre.start()
        here = centre.folder(FOLDER)
        centre.operator(f"takeover export {FOLDER} --since {since}")
        counts = json.loads((here / "counts.json").read_text(encoding="utf-8"))["rows"]
        before = _known(old.column("SELECT mobile_phone FROM call_history"))
        there = old.folder("/root/back")
        for path in here.iterdir():
            shutil.copy(path, there)
        script = there / "load.sql"
        script.write_text(
            script.read_text(encoding="utf-8").replace("TABLE `do_not_call`", "TABLE `blacklist`"), encoding="utf-8"
        )
        log.say(old.load("/root/back") or "(the load said nothing)")
        known = _known(old.column("SELECT mobile_phone FROM call_history"))
        missing = {one["phone"] for one in called()} - known
        log.need(not missing, f"the old call history knows each of {len(called())} numbers called here")
        log.need(before <= known, "and every number that it knew before")
        for name, rows in counts.items():
            log.say(f"{name}: {rows} rows")
        shutil.rmtree(here)
        centre.stop()
        centre.machine.postgres("stop")
        old.stop()


def _known(spellings: Iterable[str]) -> set[str]:
    read = (read_phone(spelling).phone for spelling in spellings)
    return {phone for phone in read if phone}
