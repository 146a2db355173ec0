"""What syncing call statistics needs from its caller: the database, a client of Guanke, the key of phone hashes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields

import sqlalchemy as sa
from pydantic import SecretStr

from calling_pipeline.call_stats.gate import GateRules
from calling_pipeline.call_stats.grades import BUILT_IN, GradeWords
from calling_pipeline.call_stats.sync.job import SyncRules
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import Settings
from calling_pipeline.vendors.guanke.client import GuankeClient
from calling_pipeline.vendors.guanke.token import Credentials


@dataclass(frozen=True)
class CallStatsDependencies:
    """`guanke` makes a client, to be used as an async context manager within one event loop."""

    engine: sa.Engine
    guanke: Callable[[], GuankeClient]
    phone_key: bytes = field(repr=False)
    rules: SyncRules = field(default_factory=SyncRules)

    @classmethod
    def from_runtime(cls, runtime: Runtime) -> CallStatsDependencies:
        """As the settings say."""
        return cls(runtime.engine, lambda: guanke_client(runtime), runtime.phone_key, sync_rules(runtime.settings))


def sync_rules(settings: Settings) -> SyncRules:
    """The publishing gate's limits and the vocabulary of grades."""
    limits = {field.name: getattr(settings, f"gate_{field.name}") for field in fields(GateRules)}
    return SyncRules(GateRules(**limits), GradeWords({**BUILT_IN, **settings.grade_words}))


def guanke_client(runtime: Runtime) -> GuankeClient:
    """A client of Guanke, to be used as an async context manager within one event loop."""
    settings = runtime.settings
    return GuankeClient(
        settings.guanke_base_url,
        Credentials(
            secret=_plain(settings.guanke_secret),
            username=settings.guanke_username,
            password=_plain(settings.guanke_password),
        ),
        concurrency=settings.guanke_concurrency,
        timeout_s=settings.guanke_timeout_s,
        tokens=runtime.credentials,
    )


def _plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None
