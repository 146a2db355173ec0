"""Sets one document and ends: a program of its own, so that a document which takes too long is stopped with it.

It reads an order as JSON and writes the document's bytes. It is run by its path and imports nothing of this package.
"""

import json
import sys
from typing import Any

import typst


def typeset(order: dict[str, Any]) -> bytes:
    """The document of `template` over `data`, with the fonts of one folder alone."""
    compiler = typst.Compiler(
        input=order["template"].encode(),
        root=order["fonts"],
        font_paths=[order["fonts"]],
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(order["data"])},
    )
    found = compiler.compile(
        format=order["format"],
        ppi=order.get("ppi"),
        pdf_standards=order.get("standards") or [],
        timestamp=order.get("timestamp"),
    )
    assert isinstance(found, bytes)
    return found


if __name__ == "__main__":
    sys.stdout.buffer.write(typeset(json.load(sys.stdin.buffer)))
