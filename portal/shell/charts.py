"""Charts as plain data for SVG templates: places are computed here, colours and words come from classes.

Every function is pure. Sizes are in the units of a view box; a browser scales them to the card.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import ceil, floor, log, log10

WIDTH, HEIGHT = 520, 210
LEFT, TOP, BOTTOM = 34.0, 8.0, 188.0
GAP = 1.0
SMALLEST = 1e-6  # below this a number is nothing


@dataclass(frozen=True)
class Series:
    """One colour of a chart: `css` is its class (f1 to f5, f0 for the rest)."""

    label: str
    css: str
    values: Sequence[float]


@dataclass(frozen=True)
class Line:
    """A grid line with its number."""

    at: float
    label_at: float
    label: str


@dataclass(frozen=True)
class Rect:
    css: str
    x: float
    y: float
    width: float
    height: float


# How the bars of one label stand: series, number of the label, left edge, room, scale.
Place = Callable[[Sequence[Series], int, float, float, float], list[Rect]]


@dataclass(frozen=True)
class Text:
    x: float
    label: str


@dataclass(frozen=True)
class Bars:
    """Bars over time: stacked, or side by side."""

    series: Sequence[Series]
    labels: Sequence[str]
    lines: list[Line]
    rects: list[Rect]
    texts: list[Text]

    @property
    def rows(self) -> list[tuple[str, list[float]]]:
        """The same numbers as a table."""
        return [(label, [s.values[i] for s in self.series]) for i, label in enumerate(self.labels)]

    @property
    def is_empty(self) -> bool:
        return not any(value for s in self.series for value in s.values)


def ticks(most: float, wanted: int = 5) -> list[float]:
    """Round numbers from 0 to just above `most`: 0, 5, 10, 15."""
    if most < SMALLEST:
        return [0.0, 1.0]
    rough = most / wanted
    size = 10 ** floor(log10(rough))
    step = next(m * size for m in (1, 2, 5, 10) if m * size >= rough)
    step = max(step, 1.0) if most >= 1 else step
    return [i * step for i in range(ceil(most / step) + 1)]


def number(value: float) -> str:
    """3, 1200 and 0.5: no more digits than a reader needs."""
    return f"{value:.0f}" if value == int(value) else f"{value:.1f}"


def stacked(labels: Sequence[str], series: Sequence[Series]) -> Bars:
    """One bar for each label, its series on top of each other."""
    totals = [sum(s.values[i] for s in series) for i in range(len(labels))]
    return _bars(labels, series, max(totals, default=0.0), _stack)


def grouped(labels: Sequence[str], series: Sequence[Series]) -> Bars:
    """For each label one narrow bar a series, side by side."""
    most = max((v for s in series for v in s.values), default=0.0)
    return _bars(labels, series, most, _beside)


def _bars(labels: Sequence[str], series: Sequence[Series], most: float, place: Place) -> Bars:
    marks = ticks(most)
    scale = (BOTTOM - TOP) / marks[-1]
    step = (WIDTH - LEFT) / max(len(labels), 1)
    rects = [rect for i in range(len(labels)) for rect in place(series, i, LEFT + i * step, step, scale)]
    lines = [Line(_r(BOTTOM - m * scale), _r(BOTTOM - m * scale + 4), number(m)) for m in marks]
    every = ceil(len(labels) / 6)
    texts = [
        Text(_r(LEFT + (i + 0.5) * step), label)
        for i, label in enumerate(labels)
        if (len(labels) - 1 - i) % every == 0
    ]
    return Bars(series, labels, lines, rects, texts)


def _stack(series: Sequence[Series], i: int, left: float, step: float, scale: float) -> list[Rect]:
    width = min(step * 0.66, 40.0)
    x, y, rects = left + (step - width) / 2, BOTTOM, []
    for s in series:
        height = s.values[i] * scale
        if height > 0:
            y -= height
            rects.append(Rect(s.css, _r(x), _r(y), _r(width), _r(max(height - GAP, 0.6))))
    return rects


def _beside(series: Sequence[Series], i: int, left: float, step: float, scale: float) -> list[Rect]:
    room = min(step * 0.76, 26.0 * len(series))
    width, x = room / len(series), left + (step - room) / 2
    return [
        Rect(
            s.css,
            _r(x + n * width),
            _r(BOTTOM - s.values[i] * scale),
            _r(width - GAP),
            _r(s.values[i] * scale),
        )
        for n, s in enumerate(series)
        if s.values[i] > 0
    ]


def _r(value: float) -> float:
    return round(value, 1)


@dataclass(frozen=True)
class Span:
    """One row of a dumbbell: where the half and the ninth tenth stand."""

    label: str
    y: float
    p50: float
    p90: float


@dataclass(frozen=True)
class Dumbbell:
    spans: list[Span]
    marks: list[Text]
    height: float


# Where a logarithmic axis of time is marked, in seconds.
MOMENTS = [
    (1, "1 s"), (10, "10 s"), (60, "1 min"), (300, "5 min"), (900, "15 min"), (3600, "1 h"),
    (4 * 3600, "4 h"),
    (86400, "1 d"), (3 * 86400, "3 d"), (10 * 86400, "10 d"), (30 * 86400, "30 d"),
]  # fmt: skip
LABELS = 96.0


def dumbbell(rows: Sequence[tuple[str, timedelta, timedelta]]) -> Dumbbell:
    """Median and ninth decile of each row on a logarithmic axis of time."""
    seconds = [max(t.total_seconds(), 1.0) for _, p50, p90 in rows for t in (p50, p90)]
    low = max((at for at, _ in MOMENTS if at <= min(seconds, default=60.0)), default=1)
    high = max(max(seconds, default=3600.0) * 1.15, low * 10)

    def x(value: float) -> float:
        share = (log(max(value, low)) - log(low)) / (log(high) - log(low))
        return _r(LABELS + share * (WIDTH - LABELS - 10))

    spans = [
        Span(label, 18.0 + 30 * i, x(p50.total_seconds()), x(p90.total_seconds()))
        for i, (label, p50, p90) in enumerate(rows)
    ]
    marks = [Text(x(at), text) for at, text in MOMENTS if low <= at <= high]
    return Dumbbell(spans, _apart(marks), 30.0 * len(rows) + 4)


def _apart(marks: list[Text], least: float = 46.0) -> list[Text]:
    kept: list[Text] = []
    for mark in marks:
        if not kept or mark.x - kept[-1].x >= least:
            kept.append(mark)
    return kept


@dataclass(frozen=True)
class Spark:
    """A small curve: the line, and the area below it."""

    line: str
    area: str


def spark(values: Sequence[float], width: float = 200.0, height: float = 32.0) -> Spark | None:
    """A curve without axes; None when there are fewer than two points."""
    if len(values) < 2:
        return None
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    step = width / (len(values) - 1)
    points = [
        f"{_r(i * step)} {_r(height - 2 - (v - low) / span * (height - 4))}" for i, v in enumerate(values)
    ]
    line = "M" + "L".join(points)
    return Spark(line, f"M0 {height:.0f}L{line[1:]}L{width:.0f} {height:.0f}Z")
