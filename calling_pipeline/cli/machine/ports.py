"""The ports that `up` needs, and who holds one that is not free."""

from __future__ import annotations

from calling_pipeline.cli.listening import HOST, listen
from calling_pipeline.errors import ConfigurationError
from calling_pipeline.settings import Settings

PORTS = ("ui", "api", "simulator", "code_server")


def setting_of(name: str) -> str:
    """The setting that chooses the port."""
    return f"CALLING_{name.upper()}_PORT"


def require_free(settings: Settings, names: tuple[str, ...] = PORTS) -> None:
    """Raise `ConfigurationError` that names the port, its holder and the setting when one of them is taken."""
    chosen: dict[int, str] = {}
    for name in names:
        port = getattr(settings, f"{name}_port")
        if port in chosen:
            raise ConfigurationError(
                f"{setting_of(chosen[port])} and {setting_of(name)} are both {port}; change one of them"
            )
        chosen[port] = name
        listen(HOST, port, setting=setting_of(name), option="").close()
