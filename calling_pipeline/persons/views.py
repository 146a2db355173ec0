"""Previews and certificates as doors give them out."""

from __future__ import annotations

from typing import Any

from calling_pipeline.persons.records import Certificate, Preview


def certificate_document(found: Certificate) -> dict[str, Any]:
    """A certificate with its id and digest."""
    return {"id": found.id, **found.document, "digest": found.digest}


def preview_document(seen: Preview) -> dict[str, Any]:
    """What an erasure would do; the number masked."""
    return {
        "number": seen.number,
        "rows": {one.place: one.rows for one in seen.found},
        "recordings": seen.files,
        "left": list(seen.left),
        "erased_before": list(seen.erased_before),
        "obstacle": seen.obstacle,
    }
