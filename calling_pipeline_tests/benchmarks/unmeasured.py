"""The command line with nothing noted for `/metrics`: the other side of `bench_metrics`."""

from __future__ import annotations

from calling_pipeline import measures
from calling_pipeline.cli.main import main


def _nothing(*_: object, **__: object) -> None:
    """In place of what counts and times."""


if __name__ == "__main__":
    measures.count = measures.observe = _nothing
    main()
