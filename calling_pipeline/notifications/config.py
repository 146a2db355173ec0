"""Campaigns and technicians' receivers, read from a TOML file. `campaigns.toml` explains its form."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from calling_pipeline.errors import ConfigurationError

PACKAGED = Path(__file__).with_name("campaigns.toml")
ELITE_CITY = "北京"
Name = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Elite(_Strict):
    """The badge of elite housekeepers, and the kind of award that counts double for them."""

    badge: Name
    housekeepers: frozenset[Name]
    doubles: Name = "节节高"


class Campaign(_Strict):
    """One sales campaign. Without `city` (or `month`) it is used for every one that has no campaign of its own."""

    name: Name
    city: Name | None = None
    month: Annotated[str, StringConstraints(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")] | None = None
    ledgers: tuple[Name, ...] = ()
    group: Name | None = None
    contact: Name | None = None
    awards: Mapping[str, int] = Field(default_factory=dict)
    elite: Elite | None = None

    @model_validator(mode="after")
    def _elite_is_for_one_city(self) -> Campaign:
        if self.elite is not None and self.city != ELITE_CITY:
            raise ValueError(f"campaign {self.name}: the elite badge and its doubling exist in {ELITE_CITY} only")
        return self

    def fits(self, *, city: str, month: str, ledger: str) -> int | None:
        """How closely it fits; the highest fits best. None when it does not fit."""
        asked = ((self.city, city), (self.month, month), (self.ledgers, ledger))
        if self.city not in (None, city) or self.month not in (None, month):
            return None
        if self.ledgers and ledger not in self.ledgers:
            return None
        return sum(weight for (own, _), weight in zip(asked, (4, 2, 1), strict=True) if own)


class Technicians(_Strict):
    """Where technicians' status changes go: a Metabase question, the robot's group, a contact for each company."""

    card: int = 1
    group: Name | None = None
    contact: Name | None = None
    companies: Mapping[str, Name] = Field(default_factory=dict)
    max_age_hours: float | None = Field(None, gt=0)


class Plan(_Strict):
    """The whole file."""

    campaign: tuple[Campaign, ...] = ()
    technicians: Technicians = Technicians()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Plan:
        names = [campaign.name for campaign in self.campaign]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"campaign {twice[0]} stands in the file twice")
        return self

    def campaign_for(self, *, city: str, day: dt.date, ledger: str) -> Campaign | None:
        """The campaign that fits a row best; None when none does. `ledger` is the file's name without folders."""
        scored = [(campaign.fits(city=city, month=f"{day:%Y-%m}", ledger=ledger), campaign) for campaign in self.campaign]
        fitting = [(score, campaign) for score, campaign in scored if score is not None]
        return max(fitting, key=lambda pair: pair[0])[1] if fitting else None


def load(path: Path | None) -> Plan:
    """Read and validate the file, the packaged one without a path. Raises `ConfigurationError`, which says what is wrong."""
    source = path or PACKAGED
    try:
        return Plan.model_validate(tomllib.loads(source.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigurationError(
            f"cannot read the campaigns in {source}: {error.strerror}; see CALLING_CAMPAIGNS_FILE"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{source} is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = str(first["msg"]).removeprefix("Value error, ")
        raise ConfigurationError(f"{source}: {where + ': ' if where else ''}{reason}") from error


def choose(names: Mapping[str, str], *wanted: str | None) -> str | None:
    """The first wanted name that exists in the settings' `names`, else `default`, else the only one there is."""
    for name in (*wanted, "default"):
        if name is not None and name in names:
            return name
    return next(iter(names)) if len(names) == 1 else None
