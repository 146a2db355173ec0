"""Draws `docs/call-states.md` from the table of moves: `python -m calling_pipeline_tests.call_batches.call_states`."""

from __future__ import annotations

from calling_pipeline.call_batches.records import MOVES
from calling_pipeline_tests.house.source import ROOT

DOCUMENT = ROOT / "docs/call-states.md"


def document() -> str:
    """The page: a diagram, and the same as a table."""
    moves = [(before, after, cause) for before, causes in MOVES.items() for after, cause in causes.items()]
    arrows = [f"    {before or '[*]'} --> {after}: {cause}" for before, after, cause in moves]
    final = [f"    {state} --> [*]" for state, causes in MOVES.items() if not causes]
    rows = [f"| {f'`{before}`' if before else 'source row'} | `{after}` | {cause} |" for before, after, cause in moves]
    return "\n".join(
        [
            "# States of a call",
            "",
            "Made from `MOVES` in `calling_pipeline/call_batches/records.py` by",
            "`python -m calling_pipeline_tests.call_batches.call_states`; a test compares the two.",
            "",
            "```mermaid",
            "stateDiagram-v2",
            *arrows,
            *final,
            "```",
            "",
            "| from | to | because |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
