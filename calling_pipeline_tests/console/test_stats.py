"""The pages of statistics over HTTP: what they show of a day and a range, refreshes, held days, exports, words."""

import datetime as dt
import re
from dataclasses import replace
from typing import get_args

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit import store as audit
from calling_pipeline.call_stats import gate, store
from calling_pipeline.call_stats.gate import GateRules, Known, Numbers, OtherRead, Read
from calling_pipeline.call_stats.held import store as held_store
from calling_pipeline.call_stats.records import Reason
from calling_pipeline.call_stats.refreshes import store as refreshes
from calling_pipeline.call_stats.tables import agent_ranking, day_refreshes, fetch_proofs, grade_stats_cache
from calling_pipeline.console.pages.stats.tracks import differences
from calling_pipeline.errors import CallingError
from calling_pipeline.gate_rules import GateRule
from calling_pipeline.texts.catalogue import catalogue
from calling_pipeline_tests.call_stats.conftest import proof_of
from calling_pipeline_tests.support import http, wait_until, yesterday

CALLS = "/task/cdr/all2"
PROBES = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}"]
CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.fixture
def viewer(as_role):
    return as_role("viewer")


@pytest.fixture
def operator(as_role):
    return as_role("operator")


def spoil(simulator):
    simulator.plant("unknown_grades", path=CALLS, times=None, rows=400, text="九元")


def shown(page, testid):
    return re.search(rf'data-testid="{testid}"[^>]*>(.*?)<', page.text, re.DOTALL)[1].strip()


def newest(console, track="grade"):
    with console.runtime.transaction() as connection:
        return refreshes.newest(connection, track, yesterday())


def refresh(operator, track="grade", date="yesterday"):
    return operator.post("/stats/refresh", data={"date": date, "track": track})


def test_a_day_shows_both_tracks_with_source_age_completeness_and_proof(sync, viewer):
    task, grade = sync("task")[0].stats, sync("grade")[0].stats
    page = viewer.get("/stats?date=yesterday")
    assert page.status_code == 200
    for name in ("total_tasks", "callout_number", "called_number", "success_number"):
        assert shown(page, name) == f"{getattr(task, name):,}"
    for name in ("total_records", "grade_9", "grade_1", "total_success"):
        assert shown(page, name) == f"{getattr(grade, name):,}"
    assert shown(page, "reported-grade") == f"{grade.proof.reported_total:,}"
    assert shown(page, "standing-grade") == "完整"
    for text in (
        "来自缓存",
        "T-3 同步",
        "重读 0 页",
        f"grade_stats_cache?view=partitions&amp;partition={yesterday()}",
        "checkDetail=",
    ):
        assert text in page.text


def test_the_difference_of_the_tracks_is_said_in_words(sync, viewer):
    sync("task")
    assert "只有一个维度有数字" in viewer.get("/stats?date=yesterday").text
    sync("grade")
    page = viewer.get("/stats?date=yesterday").text
    assert "呼叫：" in page
    assert "读取时间相近" in page


def test_tracks_that_were_read_apart_say_which_is_later():
    at = days.now()
    task = {"callout_number": 10, "success_number": 2, "calculated_at": at}
    grade = {"total_records": 8, "total_success": 2, "calculated_at": at - dt.timedelta(hours=3)}
    found = list(differences(task, grade))
    assert [one.key for one in found] == [
        "stats.differs_calls",
        "stats.differs_same_orders",
        "stats.differs_read_later_task",
    ]
    assert found[0].values["share"] == "20.0"


def test_today_is_shown_without_a_date_and_an_unread_day_says_what_to_do(viewer):
    page = viewer.get("/stats")
    assert f"{days.today()} 统计" in page.text
    assert "没有已发布的数字" in page.text
    assert "等下次同步" in page.text


@pytest.mark.parametrize(
    "query",
    ["date=soon", "date=2020-01-01", "date=today&from=today", "from=today&to=yesterday", "last=0", "last=x", "to=soon"],
)
def test_days_that_are_none_are_refused_in_a_sentence(viewer, query):
    answer = viewer.get(f"/stats?{query}")
    assert answer.status_code == 422
    assert CHINESE.search(answer.text.partition("</strong>")[2].partition("<small>")[0])


def test_the_refresh_button_says_what_changed_and_who_asked(console, sync, operator, simulator):
    before = sync("grade")[0].stats
    body = {"date": yesterday().isoformat(), "grade": "9元", "order": 9, "rows": 50}
    http.post(f"{simulator.url}/guanke/_sim/correct", json=body).raise_for_status()
    answer = refresh(operator)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/stats?date={yesterday()}")
    wait_until(lambda: newest(console).state == "stored")
    page = operator.get("/stats?date=yesterday")
    after = store_day(console)
    assert f"9 元单: {before.grade_9:,} → {after.grade_9:,}" in page.text
    assert "刚刚实时读取" in page.text
    assert "operator-" in shown(page, "refresh-result-grade") or "operator-" in page.text
    with console.runtime.transaction() as connection:
        (row,), _ = audit.entries(connection, act="day.refresh", limit=9)
    assert (row.door, row.subject) == ("console", f"day:{yesterday()}")


def store_day(console):
    with console.runtime.transaction() as connection:
        return store.read_grade_day(connection, yesterday())


def test_a_refresh_that_changes_nothing_says_so(console, sync, operator):
    sync("grade")
    refresh(operator)
    wait_until(lambda: newest(console).state == "stored")
    assert shown(operator.get("/stats?date=yesterday"), "refresh-unchanged-grade") == "数字没有变化"


def test_a_second_press_joins_the_refresh_that_runs_and_the_page_shows_it(console, sync, operator, viewer, simulator):
    sync("grade")
    simulator.plant("hang", path="page=2&", times=None, seconds=60)
    refresh(operator)
    wait_until(lambda: newest(console).state == "running" and newest(console).refresh is not None)
    assert refresh(operator).status_code == 303
    running = viewer.get("/stats/live?date=yesterday")
    assert "正在刷新" in running.text
    assert 'hx-trigger="every 2s, seen"' in running.text
    assert "refresh-button-grade" not in operator.get("/stats?date=yesterday").text
    simulator.clear_faults()
    wait_until(lambda: newest(console).state == "stored")
    with console.runtime.transaction() as connection:
        assert len(refreshes.of_day(connection, "grade", yesterday())) == 1
    wait_until(lambda: "hx-trigger" not in viewer.get("/stats/live?date=yesterday").text)


def test_a_failed_refresh_is_shown_with_its_sentence_in_chinese(console, sync, operator, simulator):
    sync("grade")
    simulator.plant("code", path=CALLS, times=None, code=400, message="参数错误")
    refresh(operator)
    wait_until(lambda: newest(console).state == "failed")
    page = operator.get("/stats?date=yesterday").text
    assert "刷新失败，原来的数字不变" in page
    assert "返回代码 400（参数错误）" in page
    assert "ask the vendor" not in page
    assert 'data-testid="warning-read_failed"' in page


def test_a_refresh_whose_server_was_killed_is_shown_as_interrupted(console, sync, operator):
    sync("grade")
    with console.runtime.transaction() as connection:
        refreshes.begin(connection, "grade", yesterday(), by="li", before=None, now=days.now())
    page = operator.get("/stats?date=yesterday")
    assert "刷新中断" in page.text
    assert 'data-testid="refresh-button-grade"' in page.text


def test_a_viewer_sees_no_button_and_is_refused(sync, viewer):
    sync("grade")
    assert "refresh-button" not in viewer.get("/stats?date=yesterday").text
    assert refresh(viewer).status_code == 403


def test_a_held_day_says_why_and_is_published_with_a_reason(console, sync, operator, viewer, simulator):
    before = sync("grade")[0].stats
    spoil(simulator)
    sync("grade")
    with console.runtime.transaction() as connection:
        (held,) = held_store.held(connection)
    page = viewer.get("/stats?date=yesterday")
    assert shown(page, "standing-grade") == "待确认"
    assert "九元" in page.text
    assert "grades are unknown" not in page.text
    assert f"publish-{held.id}" not in page.text
    asked = operator.get(f"/stats/held/{held.id}/publish")
    assert 'id="act"' in asked.text
    assert f"{held.numbers['grade_9']:,}" in asked.text
    assert operator.post(f"/stats/held/{held.id}/publish", data={"reason": " "}).status_code == 422
    done = operator.post(f"/stats/held/{held.id}/publish", data={"reason": "确认无误"})
    assert (done.status_code, done.headers["location"]) == (303, f"/stats?date={yesterday()}")
    page = operator.get("/stats?date=yesterday")
    assert shown(page, "grade_9") == f"{held.numbers['grade_9']:,}" != f"{before.grade_9:,}"
    assert "人工发布" in page.text
    assert "确认无误" in page.text
    assert operator.post(f"/stats/held/{held.id}/discard", data={"reason": "x"}).status_code == 409
    assert operator.get(f"/stats/held/{held.id}/publish").status_code == 409
    assert operator.get("/stats/held/999/publish").status_code == 404
    assert "没有待确认的日期" in viewer.get("/stats/held").text
    assert f'data-testid="decided-{held.id}"' in viewer.get("/stats/held?state=all").text
    with console.runtime.transaction() as connection:
        (row,), _ = audit.entries(connection, act="held_day.publish", limit=9)
    assert (row.door, row.reason) == ("console", "确认无误")


def test_a_held_day_is_discarded_and_the_numbers_stand(console, sync, operator, simulator):
    before = sync("grade")[0].stats
    spoil(simulator)
    sync("grade")
    [held_id] = re.findall(r"/stats/held/(\d+)/discard", operator.get("/stats/held").text)[:1]
    assert operator.post(f"/stats/held/{held_id}/discard", data={"reason": "改名"}).status_code == 303
    page = operator.get("/stats?date=yesterday")
    assert shown(page, "grade_9") == f"{before.grade_9:,}"
    assert "已丢弃" in page.text


def test_a_range_has_its_sums_a_gap_for_a_missing_day_and_signs(sync, viewer, simulator):
    gap = yesterday() - dt.timedelta(days=2)
    wanted = [yesterday() - dt.timedelta(days=n) for n in range(5) if n != 2]
    results = sync("grade", *wanted)
    spoil(simulator)
    sync("grade", yesterday())
    page = viewer.get(f"/stats?from={yesterday() - dt.timedelta(days=4)}&to=yesterday")
    assert shown(page, "total-orders") == f"{sum(result.stats.total_success for result in results):,}"
    chart = page.text[
        page.text.index('id="trend-orders-title"') : page.text.index(
            "</svg></div>", page.text.index('id="trend-orders-title"')
        )
    ]
    assert chart.count('class="mark missing"') == 2  # the day, and the legend
    assert chart.count('class="mark held"') == 2
    assert chart.count("<polyline") == 6
    row = page.text[page.text.index(f'data-testid="day-{gap}"') :]
    assert "缺失" in row[: row.index("</tr>")]


def test_a_long_range_has_its_numbers_on_a_page_with_export(sync, viewer):
    sync("grade")
    long = viewer.get("/stats?last=400")
    assert 'data-testid="trend"' not in long.text
    csv = viewer.get("/stats/days?last=400&form=csv")
    assert len(csv.text.splitlines()) == 401
    assert "日期" in csv.text.splitlines()[0]
    assert viewer.get("/stats/days?last=31&form=xlsx").content[:2] == b"PK"


def test_agents_are_ranked_over_any_range_with_names_order_and_export(console, sync, viewer):
    sync("grade", yesterday() - dt.timedelta(days=1), yesterday())
    page = (
        viewer.get("/stats/agents?from=2026-01-01&to=yesterday")
        if days.today().year == 2026
        else viewer.get("/stats/agents?last=7")
    )
    assert page.status_code == 200
    csv = viewer.get("/stats/agents?last=7&sort=-calls&form=csv").text.splitlines()
    calls = [int(line.split(",")[5]) for line in csv[1:]]
    assert calls == sorted(calls, reverse=True)
    assert len(calls) > 5
    one = csv[1].split(",")[1]
    found = viewer.get("/stats/agents", params={"last": 7, "agent": one, "form": "csv"}).text.splitlines()
    assert all(one in line for line in found[1:])
    assert viewer.get("/stats/agents?sort=nothing").status_code == 422


@pytest.mark.parametrize("probe", PROBES)
def test_texts_of_the_vendor_stay_texts(console, sync, operator, probe):
    sync("grade")
    with console.runtime.transaction() as connection:
        connection.execute(
            agent_ranking.update()
            .where(agent_ranking.c.date == yesterday(), agent_ranking.c.position == 1)
            .values(agent_id=probe)
        )
        held_store.hold(
            connection,
            proof_of("grade", yesterday()),
            [Reason("unknown_grades", "hold", f"1 of 2 grades are unknown texts that may be orders: {probe} (1)")],
            numbers={"total_records": 1, "grade_9": 0, "grade_1": 0},
            before=None,
            now=days.now(),
        )
        refresh_id = refreshes.begin(connection, "grade", yesterday(), by=probe, before=None, now=days.now())
        refreshes.finish(connection, refresh_id, "failed", after=None, error=probe, now=days.now())
    for path in ("/stats?date=yesterday", "/stats?last=7", "/stats/agents", "/stats/held", "/stats/held/1/publish"):
        page = operator.get(path).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert ("{{7*7}}" in page) == (probe == "{{7*7}}")


def test_every_sentence_of_the_gate_has_its_chinese():
    """The sentences are those that the gate makes of bad days, one for each rule."""
    start, end = days.day_bounds(yesterday())
    good = replace(proof_of("grade", yesterday(), records=1000), started_at=end, dialled=1000, connected=400)
    bad = replace(
        good,
        unknown_grades={"九元": 200, **{f"text {number}": 9 for number in range(9)}},
        missing_fields={"grade": 200, "city": 300},
        new_fields={"shoeSize": 100},
        outside_day=100,
    )
    numbers = Numbers(1000, 100, 1000, 400)
    weekdays = [Numbers(9000, 900, None, None)] * 4
    early = OtherRead(Numbers(10, 2, 10, 1), end - dt.timedelta(hours=3), end)
    reads = [
        (Read(bad, numbers, 500), Known(Numbers(5000, 900, None, None), weekdays, [replace(early, started_at=end)])),
        (Read(bad, numbers, 500), Known(Numbers(1000, 900, None, None), [], [early])),
        (Read(good, replace(numbers, calls=90_000), 500), Known(None, weekdays, [])),
        (Read(replace(good, window_end=start + dt.timedelta(hours=9)), Numbers(1, 1, 1, 1), 1), Known(None, weekdays, [])),
        (Read(replace(proof_of("task", yesterday()), started_at=end), Numbers(10, 50, 10, 20), 0), Known(None, [], [])),
    ]
    said = {}
    for read, known in reads:
        for reason in gate.judge(read, known, GateRules()):
            said.setdefault(reason.rule, set()).add(reason.sentence)
    assert set(said) == set(get_args(GateRule))
    for rule, sentences in said.items():
        assert f"stats.rule_{rule}" in catalogue().keys
        for sentence in sentences:
            assert CHINESE.search(catalogue().say(sentence, "zh").replace("九元", "")), sentence


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("code", {"code": 400, "message": "x"}),
        ("code", {"code": 500}),
        ("status", {"status": 400}),
        ("status", {"status": 502}),
        ("garbage", {}),
    ],
)
def test_what_a_sync_says_when_it_fails_has_its_chinese(sync, simulator, kind, options):
    simulator.plant(kind, path=CALLS, times=None, **options)
    with pytest.raises(CallingError) as refused:
        sync("grade")
    chinese = catalogue().say(str(refused.value), "zh")
    assert chinese.startswith("话单维度")
    assert CHINESE.search(chinese.split("：", 1)[1].split("；")[0])
    assert "no numbers" not in chinese


def test_pages_are_small_and_read_no_call_records(console, sync, viewer):
    sync("grade", *(yesterday() - dt.timedelta(days=n) for n in range(3)))
    statements = []
    listening = (console.runtime.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    sa.event.listen(*listening)
    for path in (
        "/stats?date=yesterday",
        "/stats?last=31",
        "/stats?last=400",
        "/stats/agents",
        "/stats/held",
        "/stats/days",
    ):
        answer = viewer.get(path, headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200
        assert int(answer.headers["content-length"]) <= 15_000, path
    sa.event.remove(*listening)
    assert not any("call_records" in statement for statement in statements)


def test_both_languages_are_whole(sync, viewer):
    sync("grade")
    viewer.cookies.set("calling_language", "en")
    for path in ("/stats?date=yesterday", "/stats?last=31", "/stats/agents", "/stats/held", "/stats/days"):
        main = viewer.get(path).text.partition("<main")[2]
        assert not CHINESE.search(main), CHINESE.findall(main)


def test_an_incomplete_day_is_marked(console, sync, viewer):
    result = sync("grade")[0]
    with console.runtime.transaction() as connection:
        connection.execute(
            fetch_proofs.update()
            .where(fetch_proofs.c.fetch_number == result.proof.fetch_number)
            .values(reported_total=9_999)
        )
        assert connection.execute(sa.select(grade_stats_cache.c.date)).scalar_one() == yesterday()
        assert connection.execute(sa.select(sa.func.count()).select_from(day_refreshes)).scalar_one() == 0
    assert shown(viewer.get("/stats?date=yesterday"), "standing-grade") == "不完整"
    assert 'class="mark incomplete"' in viewer.get("/stats?last=7").text
