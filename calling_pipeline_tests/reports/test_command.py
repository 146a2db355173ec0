"""`calling-pipeline reports`: what was made is listed, made by hand with a reason, and written to a file."""

from __future__ import annotations

import json

from click.testing import CliRunner

from calling_pipeline.cli.main import main
from calling_pipeline_tests.reports.support import SUNDAY, put_day


def test_a_report_is_made_by_hand_written_to_a_file_and_listed(engine, database_url, monkeypatch, tmp_path):
    monkeypatch.setenv("CALLING_DATABASE_URL", database_url.render_as_string(hide_password=False))
    with engine.begin() as connection:
        put_day(connection, SUNDAY)

    def command(*words):
        return CliRunner().invoke(main, ["reports", *words])

    period, out = ("daily", "--period", SUNDAY.isoformat()), tmp_path / "report.json"
    made = command("run", *period, "--reason", "the board asks", "--out", str(out))
    assert made.exit_code == 0, made.output
    assert "revision 1 of the daily report of 2026-11-29" in made.output
    listed = json.loads(command("list", "--json").stdout)
    assert [one["control_code"] for one in listed] == [json.loads(out.read_text("utf-8"))["control_code"]]
    assert "no revision 7" in command("run", *period, "--revision", "7").output
