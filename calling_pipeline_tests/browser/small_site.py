"""A site for the tests of this folder: some pages under the strict policy that our own pages have."""

from __future__ import annotations

from contextlib import contextmanager

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from calling_pipeline_tests.serving import served

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'"


def html(body="", *, head="", title="A page"):
    """A whole page with nothing wrong in it but what `body` and `head` bring."""
    top = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    return f"{top}{head}</head><body><main><h1>{title}</h1>{body}</main></body></html>"


@contextmanager
def site(policy=POLICY, **files):
    """Serve `name=text` at `/name`, and as CSS or script when the name ends so (`look_css`, `act_js`); yields the URL."""
    types = {"js": "text/javascript", "css": "text/css", "json": "application/json"}

    def route(name, text):
        stem, _, end = name.rpartition("_")
        path = f"/{stem}.{end}" if end in types else f"/{name}"
        headers = {"Content-Security-Policy": policy, "Content-Type": types.get(end, "text/html") + "; charset=utf-8"}
        return Route(path, lambda _: Response(text, headers=headers))

    with served(Starlette(routes=[route(name, text) for name, text in files.items()])) as url:
        yield url
