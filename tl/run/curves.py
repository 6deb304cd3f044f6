"""curves.svg: how numbers of metrics.jsonl went over the steps of a run, drawn by the run itself.

Inline SVG without script or outside resource, one small plot per number.
"""

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path

from tl.durable_file import write_atomically
from tl.run.log import read_metrics

WIDTH, HEIGHT = 300, 170  # of one plot
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 30, 24
COLUMNS = 3
COLOUR, GREY = "#1f3a5f", "#888"

Point = tuple[int, float]


def write_curves(directory: Path, names: dict[str, str], is_main: bool) -> None:
    """DIRECTORY/curves.svg of DIRECTORY/metrics.jsonl; nothing on other ranks than the main one."""
    if not is_main:
        return
    picture = render_curves(read_metrics(directory / "metrics.jsonl"), names)
    write_atomically(directory / "curves.svg", picture)


def render_curves(metrics: dict[int, dict], names: dict[str, str]) -> str:
    """The text of the picture. metrics: step -> its numbers (`read_metrics`). names: key -> title;
    keys that no step has are left out.
    """
    series = {key: _points(metrics, key) for key in names}
    shown = [(names[key], points) for key, points in series.items() if points]
    rows = -(-len(shown) // COLUMNS)
    plots = [
        _plot(title, points, (place % COLUMNS) * WIDTH, (place // COLUMNS) * HEIGHT)
        for place, (title, points) in enumerate(shown)
    ]
    size = f"{COLUMNS * WIDTH} {max(1, rows) * HEIGHT}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" font-family="sans-serif" '
        f'font-size="11">\n<rect width="100%" height="100%" fill="#fff"/>\n{"".join(plots)}</svg>\n'
    )


def _points(metrics: dict[int, dict], key: str) -> list[Point]:
    found = ((step, row.get(key)) for step, row in metrics.items())
    return [(step, float(value)) for step, value in found if value is not None]


def _plot(title: str, points: Sequence[Point], x: int, y: int) -> str:
    steps, values = zip(*points, strict=True)
    low, high = _range(values)
    first, last = steps[0], max(steps[-1], steps[0] + 1)

    def place(step: float, value: float) -> tuple[float, float]:
        across = (step - first) / (last - first) * (WIDTH - LEFT - RIGHT)
        up = (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)
        return x + LEFT + across, y + HEIGHT - BOTTOM - up

    line = " ".join(f"{a:.1f},{b:.1f}" for a, b in (place(*point) for point in points))
    parts = [_text(x + LEFT, y + 18, title, COLOUR, "start")]
    for value in (low, (low + high) / 2, high):
        height = place(first, value)[1]
        parts.append(
            f'<line stroke="#ddd" x1="{x + LEFT}" x2="{x + WIDTH - RIGHT}" '
            f'y1="{height:.1f}" y2="{height:.1f}"/>'
        )
        parts.append(_text(x + LEFT - 5, height + 4, f"{value:.3g}", GREY, "end"))
    parts.append(_text(x + LEFT, y + HEIGHT - 8, f"step {first}", GREY, "start"))
    parts.append(_text(x + WIDTH - RIGHT, y + HEIGHT - 8, str(steps[-1]), GREY, "end"))
    parts.append(f'<polyline fill="none" stroke="{COLOUR}" stroke-width="1.5" points="{line}"/>')
    end = place(*points[-1])
    parts.append(f'<circle fill="{COLOUR}" r="2.5" cx="{end[0]:.1f}" cy="{end[1]:.1f}"/>')
    return "".join(parts) + "\n"


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Where the axis starts and ends; some room where all values are the same."""
    low, high = min(values), max(values)
    if math.isclose(low, high, rel_tol=1e-9, abs_tol=1e-12):
        room = abs(low) / 10 or 1.0
        return low - room, high + room
    return low, high


def _text(x: float, y: float, text: str, colour: str, anchor: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}"'
    return f"<text {place}>{escape(text)}</text>"
