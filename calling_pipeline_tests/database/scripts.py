"""The migrations as Alembic reads them."""

from alembic.script import ScriptDirectory

from calling_pipeline.database import migrate


def scripts() -> ScriptDirectory:
    """Read anew from the files of this checkout."""
    return ScriptDirectory(str(migrate._FOLDER))
