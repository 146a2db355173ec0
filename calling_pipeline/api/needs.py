"""What each route needs of its caller, said in the OpenAPI description: `x-role`, `x-room`, and `x-own` where narrowed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from calling_pipeline.api.auth import Needs, Requirement


def describe_needs(routers: Iterable[APIRouter]) -> None:
    """Let the description of every route say what it needs; a route that needs nothing says nothing."""
    for route in routes_of(routers):
        needs = needs_of(route)
        if needs is not None:
            said = {"x-role": needs.role, "x-room": needs.room} | ({"x-own": True} if needs.own else {})
            route.openapi_extra = {**(route.openapi_extra or {}), **said}


def described(routers: Iterable[APIRouter]) -> dict[str, Any]:
    """So much of an OpenAPI description that `Operations` finds the routes: made in no time, without bodies or queries.

    The whole description of 200 pages takes half a second, which the first page after a start would wait for.
    """
    paths: dict[str, dict[str, Any]] = {}
    for route in routes_of(routers):
        said: dict[str, Any] = {"responses": {}, **({"security": [{}]} if needs_of(route) is not None else {})}
        for method in (route.methods or ()) if route.include_in_schema else ():
            paths.setdefault(route.path_format, {})[method.lower()] = said
    return {"paths": paths}


def routes_of(routers: Iterable[APIRouter]) -> Iterator[APIRoute]:
    """Every route of these routers, those too that the description leaves out."""
    return (route for router in routers for route in router.routes if isinstance(route, APIRoute))


def needs_of(route: APIRoute) -> Needs | None:
    """What the route declares by its dependency `requires(role, room)`; None without one."""
    return _declared(route.dependant)


def _declared(dependant: Dependant) -> Needs | None:
    if isinstance(dependant.call, Requirement):
        return dependant.call.needs
    found = (_declared(inner) for inner in dependant.dependencies)
    return next((needs for needs in found if needs is not None), None)
