"""The settings of the secret key, and secrets of single commands; part of `settings.Settings`."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class KeySettings(BaseSettings):
    """One field a setting, as in `settings.Settings`."""

    secret_key: SecretStr | None = Field(
        None, description="Encrypts vendor secrets and keys phone hashes; unset: generated into CALLING_HOME"
    )
    secret_key_previous: SecretStr | None = Field(
        None, description="The key before, while `calling-pipeline keys rotate` brings what it sealed to the new one"
    )
    backup_passphrase: SecretStr | None = Field(
        None, description="Seals the secret key in a backup and opens it at a restore; unset: `backup --without-key`"
    )
    takeover_source: SecretStr | None = Field(
        None,
        description="The old system that `takeover` and `takeover compare` read where they name none: the SOURCE of"
        " `docs/takeover.md`",
    )

    def previous_key_bytes(self) -> bytes | None:
        """The key material before, which still opens what it sealed; None without a rotation."""
        return self.secret_key_previous.get_secret_value().encode() if self.secret_key_previous else None
