"""Reading a JSON file that a person names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from calling_pipeline.errors import InvalidInput


def read_json(path: Path) -> Any:
    """The document in a JSON file. Raises `InvalidInput` when it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} is no readable JSON file: {error}") from error
