"""The error tree: may the same act be repeated? Later, after a person changed something, or not by software at all.

CallingError
├── PermanentError               repeating it unchanged fails again
│   ├── ConfigurationError       a setting, key or schema version is wrong; the message says how to repair it
│   ├── InvalidInput             a value from a person or a file is not usable
│   │   └── UnknownIdentifier    a schema, table or column that does not exist
│   ├── NotFound                 the thing named does not exist
│   ├── Conflict                 the thing exists already, or its state forbids the act
│   ├── Forbidden                the caller's role or tenant does not allow it
│   ├── LoginRefused             the name, password or link proves nobody
│   ├── SecretUnreadable         a stored secret was encrypted with another key or for another row
│   ├── VendorRefused *          the vendor understood and said no
│   │   └── VendorAuthRefused *  the vendor does not accept our credentials
│   └── ContractBreach *         a vendor answered outside its contract
├── TransientError               the same act may succeed later
│   ├── Busy                     another session holds what is needed
│   ├── SlowedDown               asked too often; `retry_after_s` says when to ask again
│   ├── DatabaseUnavailable      PostgreSQL cannot be reached
│   ├── VendorUnavailable *      certainly not executed: refused connection, 429, 5xx to a safe request
│   ├── VendorTimeout *          no answer in time to a safe request
│   ├── IncompleteFetch *        the vendor reported more (or fewer) rows than could be read
│   └── DaysFailed               some days of a range failed; the others are done
├── UncertainError               perhaps executed: software never repeats it
│   └── AmbiguousOutcome *       no readable answer to a request that must not be sent twice
└── VendorError                  mixed into those marked *: which vendor, and at which endpoint
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping


class CallingError(Exception):
    """Root of the tree. `str(error)` is one sentence fit for an operator: no secret, no full phone number."""


class PermanentError(CallingError):
    """Repeating the act unchanged fails again."""


class TransientError(CallingError):
    """The same act may succeed later."""


class UncertainError(CallingError):
    """The act was perhaps executed: software never repeats it, a person settles it."""


class ConfigurationError(PermanentError):
    """A setting, key or schema version is wrong."""


class InvalidInput(PermanentError):
    """A value from a person or a file is not usable. `field` names it where there is one."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class UnknownIdentifier(InvalidInput):
    """A schema, table or column that does not exist; the message lists what does."""


class NotFound(PermanentError):
    """The thing named does not exist."""


class Conflict(PermanentError):
    """The thing exists already, or its state forbids the act."""


class Forbidden(PermanentError):
    """The caller's role or tenant does not allow it."""


class LoginRefused(PermanentError):
    """The name, password or link proves nobody. The message says no more than that."""


class SecretUnreadable(PermanentError):
    """A stored secret was encrypted with another key or for another row."""


class VendorError(CallingError):
    """Mixed into every vendor failure: which vendor, and at which endpoint.

    `given_up`: it was repeated as often as it should be, and no caller repeats it again.
    """

    given_up = False

    def __init__(self, message: str, *, vendor: str = "", endpoint: str = "") -> None:
        super().__init__(message)
        self.vendor = vendor
        self.endpoint = endpoint


class VendorRefused(VendorError, PermanentError):
    """The vendor understood and said no; `code` is its own code for why."""

    def __init__(self, message: str, *, vendor: str = "", endpoint: str = "", code: str = "") -> None:
        super().__init__(message, vendor=vendor, endpoint=endpoint)
        self.code = code


class VendorAuthRefused(VendorRefused):
    """The vendor does not accept our credentials."""


class ContractBreach(VendorError, PermanentError):
    """A vendor answered outside its contract; the message names endpoint, page and field."""


class Busy(TransientError):
    """Another session holds what is needed."""


class SlowedDown(TransientError):
    """Asked too often: `retry_after_s` is in how many seconds it is heard again."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DatabaseUnavailable(TransientError):
    """PostgreSQL cannot be reached."""


class VendorUnavailable(VendorError, TransientError):
    """Certainly not executed. `retry_after_s` is what the vendor asked for, in seconds."""

    def __init__(self, message: str, *, vendor: str = "", endpoint: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, vendor=vendor, endpoint=endpoint)
        self.retry_after_s = retry_after_s


class VendorTimeout(VendorError, TransientError):
    """No answer in time to a safe (repeatable) request."""


class IncompleteFetch(VendorError, TransientError):
    """Rows fetched and rows reported disagree; `fetched` and `reported` say by how much."""

    def __init__(self, message: str, *, vendor: str = "", endpoint: str = "", fetched: int = 0, reported: int = 0) -> None:
        super().__init__(message, vendor=vendor, endpoint=endpoint)
        self.fetched = fetched
        self.reported = reported


class DaysFailed(TransientError):
    """Some days of a range failed; the others are done. `failures`: day → what went wrong.

    `may_succeed_later` says whether asking again can help at all.
    """

    def __init__(self, message: str, *, failures: Mapping[dt.date, CallingError]) -> None:
        super().__init__(message)
        self.failures = failures


class AmbiguousOutcome(VendorError, UncertainError):
    """No readable answer to a request that must not be sent twice."""


def may_succeed_later(error: CallingError) -> bool:
    """Whether the same act may succeed later without anybody's doing; of failed days, whether one of them may."""
    if isinstance(error, DaysFailed):
        return any(may_succeed_later(failure) for failure in error.failures.values())
    return isinstance(error, TransientError)
