"""Who may do what: every route × role × tenant × collector × granted or not, from the API's own description.

`ROUTES` is the table that people read. A route that is not in it, or that needs something else than it says, fails.
"""

import itertools
import re
from typing import Any

import httpx
import pytest

from calling_pipeline.access.people.records import GRANTABLE, RANKS, ROOMS_WITH_TENANTS
from calling_pipeline.api.app import ROUTERS, create_app
from calling_pipeline.api.needs import needs_of, routes_of
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import TokenGrant
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import LIMIT_S

# Method and path: the least role, the room, and `own` where a caller bound to a collector reaches what is theirs.
ROUTES = """
GET    /api/stats/grade-stats                                       viewer     statistics
GET    /api/stats/task-stats                                        viewer     statistics
POST   /api/stats/grade-stats/refresh                               operator   statistics
POST   /api/stats/task-stats/refresh                                operator   statistics
GET    /api/stats/agent-ranking                                     viewer     statistics
GET    /api/stats/hourly-orders                                     viewer     statistics
GET    /api/stats/trend                                             viewer     statistics
GET    /api/v1/analysis                                                viewer     session
GET    /api/v1/analysis/{name}                                         viewer     session
GET    /api/v1/reports                                              viewer     reports
GET    /api/v1/reports/{kind}/{period}                              viewer     reports
GET    /api/v1/reports/{kind}/{period}/revisions                    viewer     reports
GET    /api/v1/reports/subscriptions                                operator   reports
POST   /api/v1/reports/subscriptions                                operator   reports
DELETE /api/v1/reports/subscriptions/{subscription_id}              operator   reports
GET    /api/v1/reports/deliveries                                   operator   reports
POST   /api/v1/reports/deliveries/settle                            operator   reports
POST   /api/v1/reports/deliveries/resend                            operator   reports
POST   /api/v1/reports/{kind}/{period}/make                         operator   reports
POST   /api/v1/reports/{kind}/{period}/rows                         operator   statistics
GET    /api/v1/reports/{kind}/{period}/file                         viewer     reports
GET    /api/v1/takeovers                                            operator   status
GET    /api/v1/takeovers/{takeover_id}                              operator   status
GET    /api/v1/restored                                             admin      migrate
POST   /api/v1/restored/calls                                       admin      migrate
POST   /api/v1/restored/messages                                    admin      migrate
GET    /api/v1/exports                                              operator   statistics
POST   /api/v1/exports                                              operator   statistics
GET    /api/v1/exports/{export_id}                                  operator   statistics
GET    /api/v1/exports/{export_id}/file                             operator   statistics
GET    /api/stats/held                                              viewer     statistics
POST   /api/stats/held/{held_id}/publish                            operator   statistics
POST   /api/stats/held/{held_id}/discard                            operator   statistics
GET    /api/v1/calls/tasks                                          viewer     batches
POST   /api/v1/calls/tasks                                          operator   batches
GET    /api/v1/calls/tasks/{name}                                   viewer     batches
PATCH  /api/v1/calls/tasks/{name}                                   operator   batches
DELETE /api/v1/calls/tasks/{name}                                   operator   batches
GET    /api/v1/calls/tasks/{name}/preview                           operator   batches
GET    /api/v1/calls/batches                                        viewer     batches
GET    /api/v1/calls/batches/{batch_id}                             viewer     batches
POST   /api/v1/calls/batches/{batch_id}/pause                       operator   batches
POST   /api/v1/calls/batches/{batch_id}/resume                      operator   batches
POST   /api/v1/calls/batches/{batch_id}/cancel                      operator   batches
POST   /api/v1/calls/batches/{batch_id}/settle                      operator   batches
GET    /api/v1/calls/batches/{batch_id}/calls                       viewer     batches
GET    /api/v1/calls/batches/{batch_id}/results                     viewer     batches
POST   /api/v1/calls/batches/{batch_id}/requeue                     operator   batches
POST   /api/v1/calls/tasks/{name}/run                               operator   batches
POST   /api/v1/calls/why                                            viewer     batches
POST   /api/v1/calls/history/import                                 operator   batches
POST   /api/v1/calls/accept                                         operator   batches
POST   /api/v1/infinity/configs                                     admin      telephony
GET    /api/v1/infinity/configs                                     viewer     telephony
GET    /api/v1/infinity/configs/tenant/{tenant_id}                  viewer     telephony
GET    /api/v1/infinity/configs/{config_id}                         viewer     telephony
PATCH  /api/v1/infinity/configs/{config_id}                         admin      telephony
DELETE /api/v1/infinity/configs/{config_id}                         admin      telephony
POST   /api/v1/infinity/configs/{config_id}/status                  admin      telephony
POST   /api/v1/infinity/configs/{config_id}/test-connection         operator   telephony
POST   /api/v1/infinity/configs/test-connection                     admin      telephony
POST   /api/v1/infinity/configs/{config_id}/rotate-callback-secret  admin      telephony
POST   /api/v1/infinity/configs/{config_id}/callback-path           admin      telephony
DELETE /api/v1/infinity/configs/{config_id}/callback-path           admin      telephony
GET    /api/v1/infinity/callbacks/kept                              operator   telephony
POST   /api/v1/infinity/callbacks/kept/{kept_id}/replay             operator   telephony
POST   /api/v1/infinity/reconcile                                   operator   telephony
GET    /api/v1/infinity/audit                                       operator   telephony
POST   /api/v1/infinity/extensions                                  operator   telephony
GET    /api/v1/infinity/extensions                                  viewer     telephony
POST   /api/v1/infinity/extensions/import                           operator   telephony
GET    /api/v1/infinity/extensions/statistics                       viewer     telephony
GET    /api/v1/infinity/extensions/utilisation                      viewer     telephony
POST   /api/v1/infinity/extensions/force-release/{collector_id}     operator   telephony
GET    /api/v1/infinity/extensions/{extension_id}                   viewer     telephony
DELETE /api/v1/infinity/extensions/{extension_id}                   operator   telephony
PATCH  /api/v1/infinity/extensions/{extension_id}/state             operator   telephony
POST   /api/v1/infinity/extensions/{extension_id}/release           operator   telephony
POST   /api/v1/infinity/collectors                                  operator   telephony
POST   /api/v1/infinity/collectors/import                           operator   telephony
GET    /api/v1/infinity/collectors                                  viewer     telephony own
GET    /api/v1/infinity/collectors/{collector_id}                   viewer     telephony own
PATCH  /api/v1/infinity/collectors/{collector_id}                   operator   telephony
DELETE /api/v1/infinity/collectors/{collector_id}                   operator   telephony
POST   /api/v1/infinity/make-call                                   collector  telephony own
GET    /api/v1/infinity/calls                                       viewer     telephony own
GET    /api/v1/infinity/calls/{call_id}                             viewer     telephony own
GET    /api/v1/infinity/cases                                       collector  telephony own
POST   /api/v1/infinity/cases                                       collector  telephony own
POST   /api/v1/infinity/cases/import                                operator   telephony
POST   /api/v1/infinity/cases/{case_id}/result                      collector  telephony own
POST   /api/v1/infinity/calls/{call_id}/notes                       operator   telephony
GET    /api/v1/infinity/quality/samples                             operator   telephony
POST   /api/v1/infinity/quality/samples                             operator   telephony
GET    /api/v1/infinity/quality/samples/{sample_id}/calls           operator   telephony
GET    /api/v1/infinity/calls/{call_id}/recording                   operator   telephony
POST   /api/db/migrate                                              admin      migrate
GET    /api/v1/status                                               viewer     status
POST   /api/tasks                                                   operator   ledger
POST   /api/tasks/{task_id}                                         operator   ledger
GET    /api/tasks/{task_id}                                         viewer     ledger
GET    /api/v1/notifications/status                                 viewer     notifications
GET    /api/v1/notifications/messages                               viewer     notifications
GET    /api/v1/notifications/messages/{box}/{message_id}            viewer     notifications
GET    /api/v1/notifications/causes                                 viewer     notifications
GET    /api/v1/notifications/contracts                              viewer     notifications
GET    /api/v1/notifications/contracts/{contract_id}                viewer     notifications
GET    /api/v1/notifications/parked                                 viewer     notifications
GET    /api/v1/notifications/questions                              viewer     notifications
GET    /api/v1/notifications/preview                                viewer     notifications
POST   /api/v1/notifications/run                                    operator   notifications
POST   /api/v1/notifications/resend                                 operator   notifications
POST   /api/v1/notifications/keep                                   operator   notifications
POST   /api/v1/notifications/redrive                                operator   notifications
POST   /api/v1/notifications/settle                                 operator   notifications
GET    /api/v1/policy/do-not-call                                   viewer     policy
POST   /api/v1/policy/do-not-call                                   operator   policy
POST   /api/v1/policy/do-not-call/remove                            operator   policy
POST   /api/v1/policy/do-not-call/history                           viewer     policy
POST   /api/v1/policy/do-not-call/import                            operator   policy
POST   /api/v1/policy/check                                         viewer     policy
POST   /api/v1/persons/preview                                      admin      policy
POST   /api/v1/persons/export                                       admin      policy
POST   /api/v1/persons/erase                                        admin      policy
GET    /api/v1/persons/certificates                                 admin      policy
GET    /api/v1/persons/certificates/{certificate_id}                admin      policy
GET    /api/v1/policy/holidays                                      viewer     policy
PUT    /api/v1/policy/holidays                                      operator   policy
DELETE /api/v1/policy/holidays/{day}                                operator   policy
GET    /api/v1/ledger/tasks                                         viewer     ledger
GET    /api/v1/ledger/accounts                                      viewer     ledger
GET    /api/v1/ledger/accounts/{account}                            viewer     ledger
GET    /api/v1/ledger/usage                                         viewer     ledger
GET    /api/v1/ledger/refusals                                      viewer     ledger
GET    /api/v1/alerts                                               viewer     alerts
GET    /api/v1/alerts/{alert_id}                                    viewer     alerts
GET    /api/v1/users                                                admin      people
POST   /api/v1/users                                                admin      people
GET    /api/v1/users/{name}                                         admin      people
PATCH  /api/v1/users/{name}                                         admin      people
PUT    /api/v1/users/{name}/password                                admin      people
POST   /api/v1/users/{name}/login-link                              admin      people
GET    /api/v1/users/{name}/tokens                                  admin      people
POST   /api/v1/users/{name}/tokens                                  admin      people
DELETE /api/v1/users/{name}/tokens/{token_id}                       admin      people
GET    /api/v1/audit                                                operator   audit
GET    /api/v1/session                                              viewer     session own
DELETE /api/v1/session                                              viewer     session own
"""
OPEN = {
    ("GET", "/healthz"): "says whether the server lives",
    ("GET", "/livez"): "says whether the process answers",
    ("GET", "/readyz"): "says whether it can serve",
    ("GET", "/metrics"): "a viewer of the status, or an own network that the settings open it to",
    ("POST", "/api/v1/session"): "a login",
    ("POST", "/api/v1/infinity/callback/call-record"): "signed by Infinity",
    ("POST", "/api/v1/infinity/callback/call-record/{path_secret}"): "a secret path, and confirmed by Infinity",
}
TABLE = {tuple(line.split()[:2]): tuple(line.split()[2:]) for line in ROUTES.strip().splitlines()}

BINDINGS: dict[str, dict[str, Any]] = {
    "of all tenants": {},
    "of a tenant": {"tenant": 1},
    "of a tenant, granted": {"tenant": 1, "grants": GRANTABLE},
    "a collector": {"tenant": 1, "collector": 1},
    "a collector, granted": {"tenant": 1, "collector": 1, "grants": GRANTABLE},
}


def may(role, binding, needed, room, own=""):
    """The rule, in the table's words."""
    if RANKS[role] < RANKS[needed]:
        return False
    if room in ROOMS_WITH_TENANTS:
        return "collector" not in binding or own == "own"
    return "tenant" not in binding or room in binding.get("grants", ())


@pytest.fixture
def operations(api_runtime):
    """(method, path) → what the description says the operation needs."""
    paths = create_app(api_runtime).openapi()["paths"]
    return {(method.upper(), path): said for path, methods in paths.items() for method, said in methods.items()}


def test_every_route_stands_in_the_table_and_needs_what_it_says(operations):
    assert set(operations) == set(TABLE) | set(OPEN)
    said = {
        operation: (needs["x-role"], needs["x-room"], *(["own"] if needs.get("x-own") else []))
        for operation, needs in operations.items()
        if "x-role" in needs
    }
    assert said == TABLE


def test_no_route_that_the_description_leaves_out_needs_less_than_its_twin():
    declared = {(method, route.path_format): needs_of(route) for route in routes_of(ROUTERS) for method in route.methods}
    unknown = [operation for operation, needs in declared.items() if needs is None and operation not in OPEN]
    assert unknown == []
    hidden = {operation: needs for operation, needs in declared.items() if operation not in TABLE and operation not in OPEN}
    for (method, path), needs in hidden.items():
        twin = TABLE["PATCH" if method == "PUT" else "POST", path]
        assert (needs.role, needs.room) == twin[:2], f"{method} {path}"


def test_every_role_and_binding_is_let_through_or_refused_as_the_table_says(api_runtime):
    callers = list(itertools.product(RANKS, BINDINGS))
    grants = {f"token {number}": TokenGrant(role=role, **BINDINGS[name]) for number, (role, name) in enumerate(callers)}
    runtime = Runtime(api_runtime.settings.model_copy(update={"api_tokens": grants}))
    wrong = []
    with served(create_app(runtime)) as url, httpx.Client(base_url=url, timeout=LIMIT_S) as client:
        for (method, path), needs in TABLE.items():
            asked = re.sub(r"{\w*id}", "999", re.sub(r"{name}|{task_id}", "nobody", path))
            assert client.request(method, asked).status_code == 401, f"{method} {path} without a token"
            for token, (role, name) in zip(grants, callers, strict=True):
                answer = client.request(method, asked, headers={"Authorization": f"Bearer {token}"})
                expected = may(role, BINDINGS[name], *needs)
                if own_tenant_is_missing(answer, path):
                    continue
                if (answer.status_code != 403) != expected:
                    wrong.append(f"{method} {path} by {role} {name}: {answer.status_code}, expected {expected}")
                assert answer.status_code not in (401, 500), f"{method} {path} by {role} {name}: {answer.text}"
    assert wrong == []


def own_tenant_is_missing(answer, path):
    """Tenant 999 and collector 999 are not the caller's: refused as another tenant's or collector's, after the gate."""
    return answer.status_code == 403 and ("another tenant" in answer.text or "another collector" in answer.text)
