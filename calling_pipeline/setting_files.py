"""Settings that come from files: `CALLING_X_FILE` names a file that holds the value of `CALLING_X`.

So secrets reach a process as containers, systemd and Kubernetes hand them over, and stand neither in its environment nor in
the description of a service.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource

from calling_pipeline.errors import ConfigurationError

SUFFIX = "_FILE"
_LARGEST = 64 * 1024
"""Bytes: more is no setting, and `/dev/zero` has no end."""


def with_values(environment: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """The environment with these values, which take the place of files that were named for them."""
    kept = {name: value for name, value in environment.items() if name.removesuffix(SUFFIX) not in values}
    return {**kept, **values}


def names_given(prefix: str) -> list[str]:
    """The names in this process's environment that begin so."""
    return [name for name in os.environ if name.startswith(prefix)]


def become(environment: Mapping[str, str]) -> None:
    """Give this process this environment and no other: what it loads from now on reads it anew."""
    os.environ.clear()
    os.environ.update(environment)


def named_by_files(fields: Collection[str], prefix: str) -> Iterable[str]:
    """The names in the environment by which files give settings; a setting that ends alike is itself."""
    return (f"{prefix}{name}{SUFFIX}".upper() for name in fields if f"{name}{SUFFIX}".lower() not in fields)


class FromFiles(BaseSettings):
    """Settings, each of which may be given by a file instead."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments before the environment before `.env`, as ever; what a file holds counts where its name is given.

        Raises `ConfigurationError` as `_with_contents` does.
        """
        for source in (env_settings, dotenv_settings):
            assert isinstance(source, EnvSettingsSource)
            source.env_vars = _with_contents(source.env_vars, settings_cls)
        return init_settings, env_settings, dotenv_settings


def _with_contents(given: Mapping[str, str | None], settings: type[BaseSettings]) -> dict[str, str | None]:
    """What is given, names in small letters, with the values that files hold.

    Raises `ConfigurationError` for a value that is given twice, and for a file that cannot be read or is empty.
    """
    found = dict(given)
    for name in named_by_files(settings.model_fields, settings.model_config.get("env_prefix", "")):
        path, setting = given.get(name.lower()), name.removesuffix(SUFFIX)
        if path is None:
            continue
        if given.get(setting.lower()) is not None:
            raise ConfigurationError(f"{setting} and {name} are both given; take one of them away")
        found[setting.lower()] = _content(name, Path(path))
    return found


def _content(name: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except OSError as error:
        raise ConfigurationError(f"{name}: {path} cannot be read: {os.strerror(error.errno or 0)}") from None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{name}: {path} holds no text in UTF-8") from None
    text = text.removeprefix("\ufeff").rstrip("\r\n")
    if not text or len(raw) > _LARGEST or "\x00" in text:
        wrong = "is larger than 64 KiB" if len(raw) > _LARGEST else "is empty" if not text else "holds a zero byte"
        raise ConfigurationError(f"{name}: {path} {wrong}, which is no value of a setting")
    return text
