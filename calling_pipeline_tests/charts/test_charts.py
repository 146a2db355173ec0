"""Charts: well-formed pictures of any finite numbers, everything within the picture, no label on another, text escaped."""

import itertools
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calling_pipeline.charts.axes import plane
from calling_pipeline.charts.bars import bars
from calling_pipeline.charts.drawing import LARGE_FONT, text_width
from calling_pipeline.charts.heat import heat, opacity
from calling_pipeline.charts.lines import lines, runs
from calling_pipeline.charts.records import Bars, Caption, Heat, Lines, Mark, Series
from calling_pipeline.charts.scales import scale_of, shown_labels, written
from calling_pipeline.charts.spark import spark

SVG = "{http://www.w3.org/2000/svg}"
CAPTION = Caption("orders", "Orders", "31 days")
NUMBERS = st.none() | st.floats(-1e15, 1e15) | st.integers(-(10**9), 10**9)
ROWS = st.integers(0, 90).flatmap(lambda count: st.lists(NUMBERS, min_size=count, max_size=count))
PROBES = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "a & b", "\x00\x0b\ud800 ok"]
DAYS = [f"11-{day:02}" for day in range(1, 32)]


def drawn(picture):
    root = ET.fromstring(picture)
    width, height = map(float, root.get("viewBox").split()[2:])
    for node in root.iter():
        assert "style" not in node.attrib
        for name in ("x", "y", "cx", "cy", "x1", "x2", "y1", "y2"):
            if name in node.attrib:
                limit = height if "y" in name else width
                assert -1 <= float(node.attrib[name]) <= limit + 1, ET.tostring(node)
        for point in node.get("points", "").split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= width
            assert 0 <= y <= height
    return root


def of(root, name, klass):
    return [node for node in root.iter(SVG + name) if klass in node.get("class", "").split()]


@given(ROWS, ROWS)
def test_lines_of_any_numbers_stay_within_the_picture_and_break_at_gaps(first, second):
    second = (second + [None] * len(first))[: len(first)]
    labels = [f"{place}" for place in range(len(first))]
    root = drawn(lines(Lines(CAPTION, labels, [Series("a", first), Series("b", second, "second")], whole=False)))
    expected = [run for values in (first, second) for run in runs(values)]
    signs = of(root, "line", "line")
    assert len(of(root, "polyline", "line")) == sum(len(run) > 1 for run in expected)
    assert len(of(root, "circle", "dot")) == sum(len(run) == 1 for run in expected)
    assert len(signs) == 2


def test_a_missing_day_breaks_the_line():
    root = drawn(lines(Lines(CAPTION, DAYS[:6], [Series("a", [1, 2, None, None, 3, 4])])))
    assert [len(node.get("points", "").split()) for node in of(root, "polyline", "line")] == [2, 2]
    assert len(of(drawn(lines(Lines(CAPTION, DAYS[:3], [Series("a", [None, 2, None])]))), "circle", "dot")) == 1


def test_a_line_of_many_days_goes_through_its_points_in_steps_of_whole_heights(monkeypatch):
    values = [(place * 7919) % 1000 if place % 97 else None for place in range(400)]
    chart = Lines(CAPTION, [str(place) for place in range(400)], [Series("a", values)])
    stepped = of(drawn(lines(chart)), "path", "line")
    monkeypatch.setattr("calling_pipeline.charts.lines._MANY", 1000)
    pointed = of(drawn(lines(chart)), "polyline", "line")
    assert len(stepped) == len(pointed) == 5
    for steps, points in zip(stepped, pointed, strict=True):
        exact = [tuple(map(float, point.split(","))) for point in points.get("points", "").split()]
        for (x, y), (wanted_x, wanted_y) in zip(reached(steps.get("d", "")), exact, strict=True):
            assert x == wanted_x
            assert abs(y - wanted_y) <= 0.55


def reached(steps):
    """The points of a path that begins somewhere and goes on by distances."""
    start, _, rest = steps.removeprefix("M").partition("l")
    distances = iter(map(float, rest.split()))
    points = [tuple(map(float, start.split()))]
    for across, down in zip(distances, distances, strict=True):
        points.append((round(points[-1][0] + across, 1), round(points[-1][1] + down, 1)))
    return points


@given(ROWS)
def test_bars_of_any_numbers_stay_within_the_picture(values):
    labels = [f"{place}" for place in range(len(values))]
    root = drawn(bars(Bars(CAPTION, labels, [[Series("calls", values)], [Series("orders", values, "third")]])))
    assert len(of(root, "rect", "bar")) == 2 + 2 * sum(1 for value in values if value)


@given(st.integers(1, 30), st.integers(1, 30), st.data())
def test_heat_of_any_numbers_stays_within_the_picture(rows, columns, data):
    row = st.lists(st.none() | st.floats(0, 1e15), min_size=columns, max_size=columns)
    values = data.draw(st.lists(row, min_size=rows, max_size=rows))
    chart = Heat(CAPTION, ["周一"] * rows, [str(hour) for hour in range(columns)], values, "少", "多")
    root = drawn(heat(chart))
    assert len(of(root, "rect", "field")) == rows * columns + 5


@given(ROWS)
def test_a_tiny_line_of_any_numbers_stays_within_the_picture(values):
    drawn(spark(CAPTION, values))


@given(st.floats(0, 1e15), st.floats(0, 1e15))
def test_more_is_never_shown_weaker_and_zero_is_nothing(one, other):
    most = max(one, other) or 1.0
    assert opacity(0, most) == 0
    assert (opacity(one, most) <= opacity(other, most)) == (one <= other) or opacity(one, most) == opacity(other, most)
    assert all(0 <= opacity(value, most) <= 1 for value in (one, other))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), 1e16])
def test_numbers_that_are_none_are_refused(value):
    for draw in (
        lambda: lines(Lines(CAPTION, ["a"], [Series("a", [value])])),
        lambda: bars(Bars(CAPTION, ["a"], [[Series("a", [value])]])),
        lambda: heat(Heat(CAPTION, ["a"], ["b"], [[value]], "few", "many")),
        lambda: spark(CAPTION, [value]),
    ):
        with pytest.raises(ValueError, match="finite"):
            draw()


def test_what_does_not_belong_together_is_refused():
    with pytest.raises(ValueError, match="2 values for 1 labels"):
        lines(Lines(CAPTION, ["a"], [Series("a", [1, 2])]))
    with pytest.raises(ValueError, match="a mark at 1 of 1"):
        lines(Lines(CAPTION, ["a"], [Series("a", [1])], [Mark(1, "held", "held")]))
    with pytest.raises(ValueError, match="cannot be called"):
        spark(Caption('x" onload="', "t", "d"), [1])
    with pytest.raises(ValueError, match="negative"):
        heat(Heat(CAPTION, ["a"], ["b"], [[-1]], "few", "many"))


def test_one_point_and_zeros_are_a_picture():
    assert len(of(drawn(lines(Lines(CAPTION, ["11-30"], [Series("a", [5])]))), "circle", "dot")) == 1
    assert len(of(drawn(lines(Lines(CAPTION, DAYS, [Series("a", [0] * 31)]))), "polyline", "line")) == 1
    assert of(drawn(bars(Bars(CAPTION, ["0"], [[Series("a", [0])]]))), "rect", "bar")
    drawn(lines(Lines(CAPTION, [], [])))


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=450))
def test_labels_never_meet_however_large_their_letters_and_the_last_is_there(labels):
    on = plane(labels, inset=False)
    shown = shown_labels(labels, on.spacing)
    large = [one.place for one in shown if not one.minor]
    assert large[-1] == shown[-1].place == len(labels) - 1
    for one, following in itertools.pairwise(large):
        wide = text_width(labels[one], LARGE_FONT) / 2 + text_width(labels[following], LARGE_FONT) / 2
        assert (following - one) * on.spacing > wide


@given(st.lists(st.floats(-1e15, 1e15), max_size=20), st.floats(60, 300), st.booleans())
def test_an_axis_holds_every_number_and_few_ticks(values, height, whole):
    scale = scale_of(values, bottom=height, top=0.0, whole=whole)
    assert all(scale.low <= value <= scale.high or value == pytest.approx(scale.low, abs=1e-6) for value in values)
    assert 2 <= len(scale.ticks) <= 12
    assert any(abs(tick) < scale.step / 1000 for tick in scale.ticks)


@pytest.mark.parametrize(
    ("value", "zh", "en"),
    [(0, "0", "0"), (1500, "1500", "1.5k"), (15000, "1.5万", "15k"), (2e6, "200万", "2M"), (-3e8, "-3亿", "-300M")],
)
def test_numbers_of_an_axis_are_short(value, zh, en):
    assert (written(value, "zh"), written(value, "en")) == (zh, en)


@pytest.mark.parametrize("probe", PROBES)
def test_text_from_outside_stays_text(probe):
    caption = Caption("orders", probe, probe)
    series = [Series(probe, [1, 2])]
    for picture in (
        lines(Lines(caption, [probe, "b"], series, [Mark(0, "held", probe)])),
        bars(Bars(caption, [probe, "b"], [series])),
        heat(Heat(caption, [probe], [probe, "b"], [[1, None]], probe, probe)),
        spark(caption, [1]),
    ):
        root = ET.fromstring(picture)
        names = {node.tag.removeprefix(SVG) for node in root.iter()}
        assert names <= {"svg", "title", "desc", "text", "line", "rect", "circle", "path", "polyline"}
        assert not any(name.lower().startswith("on") for node in root.iter() for name in node.attrib)


def test_every_chart_says_its_name_and_what_it_shows():
    for picture in (lines(Lines(CAPTION, ["a"], [Series("a", [1])])), spark(CAPTION, [1])):
        root = ET.fromstring(picture)
        texts = {node.get("id"): node.text for node in root.iter() if "id" in node.attrib}
        assert root.get("role") == "img"
        assert texts[root.get("aria-labelledby")] == "Orders"
        assert texts[root.get("aria-describedby")] == "31 days"


def test_each_sign_differs_without_its_colour():
    marks = [Mark(0, "held", "held"), Mark(1, "incomplete", "incomplete"), Mark(2, "missing", "missing")]
    root = drawn(lines(Lines(CAPTION, DAYS[:3], [Series("a", [1, 2, None])], marks)))
    shapes = {}
    for node in root.iter():
        kind = node.get("class", "").removeprefix("mark ")
        if kind in ("held", "incomplete", "missing"):
            shapes.setdefault(kind, set()).add((node.tag, re.sub(r"[\d.]+", "", node.get("d", ""))))
    assert all(len(found) == 1 for found in shapes.values())
    assert len(set.union(*shapes.values())) == 3


def test_lines_work_without_a_stylesheet():
    """A mail or a PDF shows the attributes alone."""
    root = drawn(lines(Lines(CAPTION, DAYS, [Series("a", [1] * 31), Series("mean", [1] * 31, "mean")])))
    first, mean = of(root, "polyline", "line")
    assert (first.get("fill"), first.get("stroke"), first.get("stroke-dasharray")) == ("none", "#2f4bd0", None)
    assert mean.get("stroke-dasharray") == "4 3"
    assert all(node.get("fill") for node in root.iter(SVG + "text"))
