"""Metabase: the rows of one saved question. Its caller decides what the rows mean."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from calling_pipeline import days
from calling_pipeline.database.credentials import CredentialStore, Fetched, Token
from calling_pipeline.errors import (
    ContractBreach,
    IncompleteFetch,
    VendorAuthRefused,
    VendorRefused,
    VendorUnavailable,
)
from calling_pipeline.vendors.answers import Answer, parsed
from calling_pipeline.vendors.http import VendorHttp, retry_after_s, retrying

SESSION = "/api/session"
LARGEST_ANSWER = 16 * 1024**2
"""Bytes of a saved question's rows at most."""
SESSION_LASTS = dt.timedelta(days=10)
"""Metabase ends a session after 14 days; a 401 tells of an earlier end."""


class _Session(msgspec.Struct):
    id: str


class _Data(msgspec.Struct):
    rows: list[list[Any]]
    rows_truncated: int | None = None


class _Card(msgspec.Struct):
    data: _Data | None = None
    error: str | None = None


_SESSION = msgspec.json.Decoder(_Session)
_CARD = msgspec.json.Decoder(_Card)


class Metabase:
    """One Metabase account. Use within `async with`."""

    def __init__(self, http: VendorHttp, credentials: CredentialStore, *, username: str, password: str) -> None:
        self._http = http
        self._credentials = credentials
        self._username = username
        self._credential = f"metabase:{http.base_url}:{username}"
        self._password = password

    async def __aenter__(self) -> Metabase:
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self._http.aclose()

    async def card_rows(self, card: int) -> list[list[Any]]:
        """All rows of a saved question. Raises `IncompleteFetch` when Metabase says that it cut them off."""
        return await retrying(lambda: self._card_rows(card), attempts=4, total_s=90)

    async def _card_rows(self, card: int) -> list[list[Any]]:
        session = await self._session()
        response = await self._query(card, session)
        if response.status_code == 401:
            response = await self._query(card, await self._session(refused=session))
        path = f"/api/card/{card}/query"
        where: dict[str, Any] = {"vendor": "metabase", "endpoint": path}
        if response.status_code == 401:
            raise VendorAuthRefused(f"metabase {path} refused a fresh session", code="401", **where)
        _raise_for_status(response, path)
        try:
            answer = parsed(_CARD.decode, response.content)
        except msgspec.MsgspecError as error:
            raise ContractBreach(f"metabase {path} answered outside its contract: {error}", **where) from None
        if answer.data is None or answer.error:
            raise VendorRefused(f"metabase {path} could not run the question: {(answer.error or 'no data')[:200]}", **where)
        if answer.data.rows_truncated:
            raise IncompleteFetch(
                f"metabase {path} cut the answer off at {answer.data.rows_truncated} rows; narrow the question",
                fetched=len(answer.data.rows),
                **where,
            )
        return answer.data.rows

    async def _query(self, card: int, session: Token) -> Answer:
        headers = {"X-Metabase-Session": session.secret}
        return await self._http.request(
            "POST", f"/api/card/{card}/query", safe=True, secrets=[session.secret], headers=headers
        )

    async def _session(self, *, refused: Token | None = None) -> Token:
        return await self._credentials.token(self._credential, self._log_in, refused=refused)

    async def _log_in(self) -> Fetched:
        return await retrying(self._ask_for_session, attempts=4, total_s=30)

    async def _ask_for_session(self) -> Fetched:
        body = {"username": self._username, "password": self._password}
        where = {"vendor": "metabase", "endpoint": SESSION}
        response = await self._http.request("POST", SESSION, safe=True, secrets=[self._password], json=body)
        if response.status_code in (400, 401, 403):
            raise VendorAuthRefused(
                "Metabase refuses the login; check CALLING_METABASE_USERNAME and CALLING_METABASE_PASSWORD",
                code=str(response.status_code),
                **where,
            )
        _raise_for_status(response, SESSION)
        try:
            session = parsed(_SESSION.decode, response.content)
        except msgspec.MsgspecError as error:
            raise ContractBreach(f"metabase {SESSION} answered with no readable session: {error}", **where) from None
        return Fetched(session.id, days.now() + SESSION_LASTS)


def _raise_for_status(response: Answer, path: str) -> None:
    status, where = response.status_code, {"vendor": "metabase", "endpoint": path}
    if status == 429 or status >= 500:
        raise VendorUnavailable(f"metabase {path} answered HTTP {status}", retry_after_s=retry_after_s(response), **where)
    if status not in (200, 202):
        raise VendorRefused(f"metabase {path} answered HTTP {status}", code=str(status), **where)
