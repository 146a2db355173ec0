"""Who may open which page and send which form: every route × role × tenant × collector, from the console's own description.

`routes/ROOM.txt` is the table that people read: method, path, least role, room, and `own` where a caller bound to a
collector reaches what is theirs; `open` for what needs no login. A route that is not in it, or needs something else, fails.
"""

import itertools
import re
from pathlib import Path

import httpx

from calling_pipeline.access.people.records import RANKS
from calling_pipeline.console.app import create_pages, create_server
from calling_pipeline.console.menu import MENU
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import TokenGrant
from calling_pipeline_tests.api.test_matrix import BINDINGS, may
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import LIMIT_S

LINES = [
    line.split() for path in sorted(Path(__file__).parent.glob("routes/*.txt")) for line in path.read_text().splitlines()
]
TABLE = {(method, path): tuple(needs) for method, path, *needs in LINES if needs != ["open"]}
OPEN = {(method, path) for method, path, *needs in LINES if needs == ["open"]}


def test_every_route_stands_in_the_table_and_needs_what_it_says(console_runtime):
    said = {}
    for path, methods in create_pages(console_runtime).openapi()["paths"].items():
        for method, operation in methods.items():
            own = ["own"] if operation.get("x-own") else []
            needs = (operation["x-role"], operation["x-room"], *own) if "x-role" in operation else ("open",)
            said[method.upper(), path] = needs
    assert said == {**TABLE, **dict.fromkeys(OPEN, ("open",))}


def test_the_menu_says_of_each_page_what_its_route_needs():
    for entry in MENU:
        if ("GET", entry.path) in TABLE and entry.path != "/":  # which leads those on who may not see it
            assert TABLE["GET", entry.path] == (entry.role, entry.room, *(["own"] if entry.own else []))


def test_every_role_and_binding_is_let_through_or_refused_as_the_table_says(console_runtime):
    callers = list(itertools.product(RANKS, BINDINGS))
    grants = {f"token {number}": TokenGrant(role=role, **BINDINGS[name]) for number, (role, name) in enumerate(callers)}
    runtime = Runtime(console_runtime.settings.model_copy(update={"api_tokens": grants}))
    wrong = []
    with served(create_server(runtime)) as url, httpx.Client(base_url=url, timeout=LIMIT_S) as client:
        for (method, path), needs in TABLE.items():
            asked = re.sub(r"{\w*id}", "999", re.sub(r"{\w*(?<!id)}", "nobody", path))
            without = client.request(method, asked)
            assert without.status_code == (303 if method == "GET" else 401), f"{method} {path} without a login"
            for token, (role, name) in zip(grants, callers, strict=True):
                answer = client.request(method, asked, headers={"Authorization": f"Bearer {token}"})
                expected = may(role, BINDINGS[name], *needs)
                if answer.status_code == 403 and ("another tenant" in answer.text or "another collector" in answer.text):
                    continue  # tenant 999 and collector 999 are not the caller's: refused after the gate
                if (answer.status_code != 403) != expected:
                    wrong.append(f"{method} {path} by {role} {name}: {answer.status_code}, expected {expected}")
                assert answer.status_code not in (401, 500), f"{method} {path} by {role} {name}: {answer.text}"
    assert wrong == []


def test_the_entrance_knows_each_route_as_the_whole_description_does(console_runtime):
    pages = create_pages(console_runtime)
    whole = {
        (method, path): bool(said.get("security"))
        for path, methods in pages.openapi()["paths"].items()
        for method, said in methods.items()
    }
    known = {
        (method, path): bool(said.get("security"))
        for path, methods in pages.state.described["paths"].items()
        for method, said in methods.items()
    }
    assert known == whole
    assert pages.state.operations.of("GET", "/batches/17").template == "/batches/{batch_id}"
