"""Places of bars, points and curves are arithmetic, and checked as such."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.shell import charts
from portal.shell.charts import BOTTOM, TOP, WIDTH, Series

AMOUNTS = st.lists(st.floats(0, 1e6, allow_subnormal=False), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (3, [0, 1, 2, 3]),
        (23, [0, 5, 10, 15, 20, 25]),
        (640, [0, 200, 400, 600, 800]),
    ],
)
def test_ticks_are_round_and_reach_the_top(most, expected) -> None:
    assert charts.ticks(most) == expected


@given(st.floats(0.01, 1e9))
def test_ticks_are_few_and_cover_everything(most: float) -> None:
    marks = charts.ticks(most)
    assert marks[-1] >= most
    assert 2 <= len(marks) <= 12


@given(AMOUNTS, AMOUNTS)
def test_bars_stay_inside_the_picture(first, second) -> None:
    count = min(len(first), len(second))
    series = [Series("a", "f1", first[:count]), Series("b", "f2", second[:count])]
    for draw in (charts.stacked, charts.grouped):
        drawing = draw([str(i) for i in range(count)], series)
        for rect in drawing.rects:
            assert rect.y >= TOP - 1
            assert rect.y + rect.height <= BOTTOM + 1
            assert 0 <= rect.x <= rect.x + rect.width <= WIDTH + 1


def test_stacked_bars_stand_on_each_other() -> None:
    drawing = charts.stacked(
        ["Mon"], [Series("a", "f1", [2]), Series("b", "f2", [3]), Series("c", "f3", [0])]
    )
    low, high = drawing.rects
    assert low.y + low.height == pytest.approx(BOTTOM, abs=1.2)
    assert high.y + high.height == pytest.approx(low.y, abs=1.2)
    assert drawing.rows == [("Mon", [2, 3, 0])]
    assert [line.label for line in drawing.lines] == ["0", "1", "2", "3", "4", "5"]


def test_grouped_bars_stand_side_by_side() -> None:
    drawing = charts.grouped(["Mon"], [Series("a", "f1", [2]), Series("b", "f2", [4])])
    left, right = drawing.rects
    assert left.x + left.width <= right.x
    assert right.height == pytest.approx(2 * left.height, abs=0.2)


def test_axis_names_few_labels_and_always_the_last() -> None:
    drawing = charts.stacked([str(i) for i in range(26)], [Series("a", "f1", [1] * 26)])
    assert len(drawing.texts) <= 6
    assert drawing.texts[-1].label == "25"


def test_nothing_is_said_to_be_nothing() -> None:
    assert charts.stacked(["Mon"], [Series("a", "f1", [0])]).is_empty
    assert not charts.stacked(["Mon"], [Series("a", "f1", [1])]).is_empty
    assert charts.stacked([], []).rects == []
    assert charts.spark([1]) is None


def test_dumbbell_orders_time_on_a_logarithmic_axis() -> None:
    minute, hour, day = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
    drawing = charts.dumbbell(
        [("Form", minute, hour), ("Approval", hour, day), ("At once", timedelta(), minute)]
    )
    form, approval, once = drawing.spans
    assert form.p50 < form.p90 == approval.p50 < approval.p90 < WIDTH
    assert once.p50 == charts.LABELS
    gaps = [b.x - a.x for a, b in zip(drawing.marks, drawing.marks[1:], strict=False)]
    assert min(gaps) >= 46
    assert charts.dumbbell([]).spans == []


def test_spark_spans_the_width() -> None:
    curve = charts.spark([1, 5, 3])
    assert curve is not None
    assert curve.line == "M0.0 30.0L100.0 2.0L200.0 16.0"
    assert curve.area.endswith("L200 32Z")
    flat = charts.spark([2, 2])
    assert flat is not None


def test_numbers_have_no_needless_digits() -> None:
    assert [charts.number(v) for v in (3.0, 1200, 0.5)] == ["3", "1200", "0.5"]
