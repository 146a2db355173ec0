"""`make campaign`: all rooms at once for some minutes while things are killed, cut and set wrong; then the judgement.

`--seed` decides what is done wrong and in which order; `--minutes` how long. Exit status 1 with a violation.
"""

from __future__ import annotations

import argparse
import json
import sys
import time

from calling_pipeline_tests.campaign.storm import campaign


def main() -> int:
    """One campaign per seed, one JSON line each."""
    parser = argparse.ArgumentParser(prog="campaign", description=__doc__)
    parser.add_argument("--seed", type=int, action="append", help="may be given several times; 1 without it")
    parser.add_argument("--minutes", type=float, default=10.0)
    given = parser.parse_args()
    failed = False
    for seed in given.seed or [1]:
        begun = time.monotonic()
        done = campaign(seed, seconds=60 * given.minutes)
        failed |= bool(done.violations)
        line = {"seed": seed, "minutes": round((time.monotonic() - begun) / 60, 1), "violations": done.violations}
        print(json.dumps({**line, **done.figures, "faults": done.faults}, ensure_ascii=False), flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
