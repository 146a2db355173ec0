"""Logging in and out: by name and password, or by a link that works once. Without script, and with no request elsewhere."""

from __future__ import annotations

from html import escape
from typing import Any
from urllib.parse import parse_qs, quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from calling_pipeline.access.audit.door import through
from calling_pipeline.access.login import login
from calling_pipeline.access.login.leading import own_path
from calling_pipeline.access.sessions.records import LONGEST, Session
from calling_pipeline.errors import Busy, CallingError, LoginRefused, SlowedDown
from calling_pipeline.runtime import Runtime
from calling_pipeline.ui.visitors import COOKIE, Visitors, session_in

_MOST_BYTES = 10_000
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, "PingFang SC", "Microsoft YaHei", sans-serif; display: grid; place-items: center;
       min-height: 100vh; margin: 0; background: Canvas; color: CanvasText; }
main { width: min(22rem, 90vw); }
h1 { font-size: 1.25rem; margin: 0 0 1rem; }
label { display: block; margin: .75rem 0 .25rem; }
input, button { font: inherit; width: 100%; box-sizing: border-box; padding: .5rem; border: 1px solid GrayText;
                border-radius: .375rem; background: Field; color: FieldText; }
button { margin-top: 1.25rem; background: #3246c8; color: white; border: 0; cursor: pointer; }
:focus-visible { outline: 3px solid #7b8cff; outline-offset: 1px; }
.wrong { border-left: 4px solid #c62828; padding: .25rem .75rem; margin: 0 0 1rem; }
small { color: GrayText; display: block; margin-top: 1.25rem; }
"""


class Pages:
    """`/login` and `/logout` under the prefix."""

    def __init__(self, runtime: Runtime, visitors: Visitors, *, prefix: str = "", https: bool = False) -> None:
        self._runtime, self._visitors, self._prefix, self._https = runtime, visitors, prefix, https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        with through("dagster"):
            answer = await self._answer(request)
        answer.headers["Content-Security-Policy"] = _POLICY
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["Referrer-Policy"] = "no-referrer" if request.query_params.get("link") else "same-origin"
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path, method = request.url.path.removeprefix(self._prefix), request.method
        if path == "/logout" and method == "POST":
            return await self._log_out(request)
        if path == "/login" and method == "POST":
            return await self._by_password(request)
        if path == "/login" and method == "GET" and request.query_params.get("link"):
            return await self._by_link(request, request.query_params["link"])
        if path == "/login" and method in ("GET", "HEAD"):
            visitor = await self._visitors.of(request.scope)
            name = visitor.name if visitor is not None else ""
            return self._form(request.query_params.get("next", "/"), known=name)
        return HTMLResponse("", status_code=405)

    async def _by_password(self, request: Request) -> Response:
        fields = await _fields(request)
        name, password, where = (fields.get(field, "") for field in ("name", "password", "next"))
        engine, address, replaces = self._runtime.engine, _address(request), session_in(request.scope)

        def log_in() -> Session:
            return login.by_password(engine, name, password, address=address, replaces=replaces)

        return await self._opened(log_in, where)

    async def _by_link(self, request: Request, link: str) -> Response:
        if request.headers.get("sec-purpose", "").startswith("prefetch"):
            return HTMLResponse("", status_code=403)  # a page that is loaded in advance would use the link up
        engine, address, replaces = self._runtime.engine, _address(request), session_in(request.scope)
        return await self._opened(lambda: login.by_link(engine, link, address=address, replaces=replaces), "/")

    async def _opened(self, log_in: Any, where: str) -> Response:
        try:
            session: Session = await run_in_threadpool(log_in)
        except LoginRefused as error:
            return self._form(where, wrong=str(error), status=403)
        except SlowedDown as error:
            return self._form(where, wrong=str(error), status=429)
        except Busy as error:
            return self._form(where, wrong=str(error), status=503)
        # A page, not a redirection: a browser that comes from a page elsewhere keeps a strict cookie back until it has
        # opened a page of ours.
        target = escape(quote(own_path(where, self._prefix), safe="/?&=%:,[]@+"), quote=True)
        answer = HTMLResponse(
            _page(
                "Dagster",
                f'<p>{escape(session.person.name)}</p><p><a href="{target}">Dagster</a></p>',
                head=f'<meta http-equiv="refresh" content="0; url={target}">',
            )
        )
        answer.set_cookie(
            COOKIE,
            session.secret,
            max_age=int(LONGEST.total_seconds()),
            path="/",
            secure=self._https,
            httponly=True,
            samesite="strict",
        )
        return answer

    async def _log_out(self, request: Request) -> Response:
        session = session_in(request.scope)
        if session:
            self._visitors.forget(session)
            await run_in_threadpool(login.end, self._runtime.engine, session)
        answer = self._form("/", status=200)
        answer.delete_cookie(COOKIE, path="/", secure=self._https, httponly=True, samesite="strict")
        return answer

    def _form(self, where: str, *, wrong: str = "", known: str = "", status: int = 200) -> HTMLResponse:
        said = f'<p class="wrong" role="alert">{escape(wrong)}</p>' if wrong else ""
        next_field = f'<input type="hidden" name="next" value="{escape(own_path(where, self._prefix), quote=True)}">'
        text = f"""<h1>Dagster · calling_pipeline</h1>{said}
<form method="post" action="{escape(self._prefix)}/login">{next_field}
<label for="name">Name · 用户名</label>
<input id="name" name="name" autocomplete="username" autofocus required maxlength="60">
<label for="password">Password · 密码</label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="200">
<button>Log in · 登录</button></form>
<small>No password yet? An admin makes a link that works once: <code>calling-pipeline users login-link NAME</code></small>"""
        if known:
            text += f"""<form method="post" action="{escape(self._prefix)}/logout">
<button>Log out · 退出 ({escape(known)})</button></form>"""
        return HTMLResponse(_page("Log in", text), status_code=status)


def _page(title: str, body: str, *, head: str = "") -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{head}<style>{_STYLE}</style></head>'
        f"<body><main>{body}</main></body></html>"
    )


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


async def _fields(request: Request) -> dict[str, str]:
    """The fields of a small form. Raises `CallingError` for a large one."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            raise CallingError("the form is too large")
    return {name: values[0] for name, values in parse_qs(body.decode(errors="replace"), keep_blank_values=True).items()}
