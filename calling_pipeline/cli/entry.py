"""Where the installed command begins: a probe, which runs every few seconds, does not load the other commands."""

from __future__ import annotations

import sys

from calling_pipeline.cli.health.command import health


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] == ["health"]:
        health(sys.argv[2:], prog_name="calling-pipeline health")
    from calling_pipeline.cli.main import main as every  # noqa: PLC0415 - 700 ms of a probe

    every()


if __name__ == "__main__":
    main()
