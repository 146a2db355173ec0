"""Every command of README and docs: each is parsed by the command line, what is safe and quick is run on a database."""

import json

import pytest
from click.testing import CliRunner

from calling_pipeline.cli.main import main
from calling_pipeline_tests.docs.commands import Found, commands_of, pages, why_wrong
from calling_pipeline_tests.house.source import ROOT

COMMANDS = [
    one for path in pages() for one in commands_of(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())
]
RUN = {
    "alerts list", "alerts show", "analysis best_time", "analysis callback_delay", "analysis capacity", "audit",
    "calls accept", "calls batches", "calls cancel", "calls results", "calls resume", "calls rows", "calls settle",
    "calls task edit", "calls task show", "calls why", "calls requeue", "notify messages", "notify redrive", "notify settle",
    "notify status", "person certificate", "person erase", "person export", "reports deliveries", "reports list",
    "reports settle", "reports subscribe", "reports subscriptions", "reports unsubscribe", "stats held discard",
    "stats held list", "stats held publish", "stats show", "telephony callback-path", "telephony callbacks drop",
    "telephony callbacks list", "telephony callbacks replay", "telephony refusals", "telephony release", "telephony stats",
    "calls pause", "person certificates", "users token revoke",
    "users add", "users disable", "users grant", "users login-link", "users token add",
}  # fmt: skip
"""What is run as it stands, on an empty installation: it may find nothing, but ends in order and says so in a sentence."""
SERVES = "it serves until it is ended; started by the tests of its own"
VENDOR = "it asks a vendor; run by its room's tests against the simulator"
MACHINE = "it starts or ends processes of the whole machine; tried by the tests of `up` and of the example"
HEAVY = "it makes files or takes longer than the tests of docs may; tried by the tests of its own"
NOT_RUN = {
    "": "the bare name, in a sentence", "api": SERVES, "code-server": SERVES, "daemon": SERVES, "simulator": SERVES,
    "ui": SERVES, "worker": SERVES, "keys rotate": "it needs another key; tried by the tests of keys",
    "up": MACHINE, "down": MACHINE, "demo": MACHINE, "example links": MACHINE, "example remove": MACHINE,
    "example seed": MACHINE, "exec": MACHINE, "health": MACHINE, "doctor": "it looks at the whole machine",
    "migrate": "it changes the schema; tried by the tests of migrations", "alerts test": "it sends to people's channels",
    "stats sync": VENDOR, "telephony reconcile": VENDOR, "telephony test-connection": VENDOR, "calls join": HEAVY,
    "exports add": HEAVY, "reports run": HEAVY, "reports deliver": HEAVY, "status": HEAVY, "notify run": HEAVY,
    "notify preview": "it needs a ledger; tried by the tests of notifications", "notify resend": HEAVY,
    "takeover": "it needs an old system; tried by the tests of takeovers", "takeover compare": HEAVY,
    "takeover export": HEAVY, "takeover list": HEAVY, "takeover mapping": HEAVY, "calls run": VENDOR,
    "calls history import": "it needs a file; tried by the tests of imports",
    "telephony import": "it needs a tenant; tried by the tests of telephony", "users password": "it asks at the terminal",
    "telephony quality sample": "it needs a tenant; tried by the tests of telephony", "backup": HEAVY, "restore": HEAVY,
    "telephony cases list": "it needs a tenant; tried by the tests of cases",
    "go-on calls": "it needs a restored system; tried by the tests of backups",
    "go-on messages": "it needs a restored system; tried by the tests of backups",
}  # fmt: skip


def test_every_command_of_the_docs_is_one_that_the_command_line_takes():
    assert [f"{one.page}: {one.text}: {why}" for one in COMMANDS if (why := why_wrong(one))] == []
    assert len(COMMANDS) > 300
    assert sum(one.fenced for one in COMMANDS) > 70


def test_every_command_of_the_docs_is_run_or_has_a_reason_why_not():
    named = {one.path for one in COMMANDS if one.program != "make" and not _is_group(one)}
    assert named - RUN - set(NOT_RUN) == set(), "add it to RUN, or to NOT_RUN with a reason"
    assert RUN & set(NOT_RUN) == set()
    assert RUN - {one.path for one in COMMANDS} == set(), "no page names them any more"


@pytest.mark.parametrize(
    "typed",
    [
        "calling-pipeline stats repair --all",
        "calling-pipeline calls settle 17 --as maybe",
        "calling-pipeline calls batches seventeen",
        "calling-pipeline reports run yearly",
        "calling-pipeline stats held publish 3",
        "make everything",
    ],
)
def test_a_command_that_does_not_exist_is_found(typed):
    assert [why_wrong(one) != "" for one in commands_of(f"Text.\n\n```sh\n{typed}  # now\n```\n")] == [True]


def test_a_command_is_found_however_a_page_writes_it():
    block = "   ```sh\n   $ A=b calling-pipeline calls rows 1 \\\n     --state refused | less\n   ```"
    text = f"`calling-pipeline stats sync\\|show` and\n\n1. so:\n\n{block}"
    found = [(one.path, one.fenced) for one in commands_of(text)]
    assert found == [("calls rows", True), ("stats sync", False), ("stats show", False)]


def test_what_is_safe_runs_on_an_empty_installation_and_ends_in_order(app_settings, runtime, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALLING_HOME", str(app_settings.home))
    monkeypatch.setenv("CALLING_DATABASE_URL", app_settings.database_url.get_secret_value())
    monkeypatch.setenv("CALLING_SECRET_KEY", app_settings.secret_key.get_secret_value())
    app_settings.home.mkdir(parents=True, exist_ok=True)
    typed = dict.fromkeys(tuple(one.words[1:]) for one in COMMANDS if one.path in RUN and one.fenced)
    runner = CliRunner()
    wrong, ran = [], set()
    for words in typed:
        answer = runner.invoke(main, [*words, "--json"])
        ended = answer.exception is None or isinstance(answer.exception, SystemExit)
        if answer.exit_code not in (0, 1) or not ended:
            wrong.append(f"{' '.join(words)}: {answer.exit_code} {answer.output[-300:]} {answer.exception!r}")
        elif answer.exit_code == 0:
            json.loads(answer.stdout)
            ran.add(words[0])
    assert wrong == []
    assert len(typed) >= 25
    assert len(ran) >= 4, "hardly anything was found to run"


def _is_group(one: Found) -> bool:
    """`calling-pipeline policy …` names a group."""
    return len(one.words) == 1 + len(one.path.split()) + (one.words[-1] in ("…", "NAME", "--help")) and one.path in GROUPS


GROUPS = {"analysis", "calls", "example", "ledger", "notify", "policy", "reports", "telephony", "users"}
