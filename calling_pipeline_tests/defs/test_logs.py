"""With CALLING_LOG_FORMAT=json the lines of runs and of Dagster's loggers are objects, masked, with their run and trace."""

import json
import logging
import sys

import dagster as dg
import pytest
from dagster._utils.log import create_console_logger

from calling_pipeline.defs.instance import logs
from calling_pipeline.defs.instance.logs import set_form
from calling_pipeline.private import JsonFormatter, Traced

PHONE = "13812345678"


@pytest.fixture
def own_loggers(monkeypatch):
    """What `set_form` changes in this process is put back."""
    monkeypatch.setattr(logs, "_PROCESSES", ("a process of Dagster's",))
    for module in logs._MAKERS:
        if module in sys.modules:
            monkeypatch.setattr(sys.modules[module], logs._MAKE, getattr(sys.modules[module], logs._MAKE))
    logger = logging.getLogger("a process of Dagster's")
    logger.handlers = [logging.StreamHandler()]
    logger.handlers[0].setFormatter(logging.Formatter("%(message)s"))
    yield logger
    logger.handlers = []


def executed():
    """A run of a job that says a number, and fails with it."""

    @dg.op
    def says(context):
        context.log.info("called %s", PHONE)
        raise ValueError(f"the number {PHONE}")

    @dg.job
    def job():
        says()

    return job.execute_in_process(raise_on_error=False)


def test_every_line_of_a_run_is_an_object_without_anything_personal(app_settings, own_loggers, capsys):
    set_form(app_settings.model_copy(update={"log_format": "json"}))
    set_form(app_settings.model_copy(update={"log_format": "json"}))
    ended = executed()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert {line["run"] for line in lines} == {ended.run_id}
    assert any("called 138****5678" in line["message"] for line in lines)
    assert any("STEP_FAILURE" in line["message"] for line in lines)
    assert PHONE not in json.dumps(lines)
    assert isinstance(own_loggers.handlers[0].formatter, JsonFormatter)


def test_as_text_lines_stay_dagsters_and_name_their_trace_where_traces_are_sent(app_settings, own_loggers):
    set_form(app_settings)
    assert not hasattr(sys.modules["dagster._loggers"].create_console_logger, "__wrapped__")
    set_form(app_settings.model_copy(update={"traces_url": "http://127.0.0.1:4318"}))
    formatter = own_loggers.handlers[0].formatter
    assert isinstance(formatter, Traced)
    record = logging.LogRecord("dagster", logging.INFO, "", 0, "a line", (), None)
    assert formatter.format(record) == "a line"
    record.trace = "abc"
    assert formatter.format(record) == "a line trace=abc"
    of_a_run = sys.modules["dagster._loggers"].create_console_logger("dagster", "INFO")
    assert isinstance(of_a_run.handlers[0].formatter, Traced)
    assert not isinstance(create_console_logger("dagster", "INFO").handlers[0].formatter, Traced)
