"""Bar charts as inline SVG: no script, no outside resource, readable as text."""

import math
from collections.abc import Sequence

from tl.bench.page import MAX_TEXT, plain

WIDTH, HEIGHT = 760, 230  # of the plot and its labels
LEFT, TOP, BOTTOM = 34, 36, 40
MAX_BAR, GAP = 26, 2
FILLS = ("#1f3a5f", "#2b7a78", "#b5651d")  # where the page's style is not understood
Z95 = 1.959964  # 97.5 % quantile of the normal distribution

Bar = tuple[float | None, int]  # a rate in percent, and the n it is of


def wilson(rate: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a rate in percent (Wilson 1927), in percent."""
    share, z = rate / 100, Z95
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return 100 * max(0.0, middle - half), 100 * min(1.0, middle + half)


def rate_chart(title: str, labels: Sequence[str], series: dict[str, Sequence[Bar]]) -> str:
    """Groups of upright bars from 0 to 100 %, one group per label, one bar of it per series. A
    whisker is the 95 % interval; a rate of nothing has no bar.
    """
    plot = HEIGHT - TOP - BOTTOM
    step = (WIDTH - LEFT) / max(1, len(labels))
    bar = min(MAX_BAR, (step - 14) / len(series) - GAP)
    parts = [_grid(plot)]
    for place, label in enumerate(labels):
        middle = LEFT + (place + 0.5) * step
        counts = sorted({bars[place][1] for bars in series.values()})
        parts += [_text(middle, HEIGHT - 22, label)]
        parts += [_text(middle, HEIGHT - 7, "n " + "/".join(f"{n:,}" for n in counts), "soft")]
        start = middle - len(series) * (bar + GAP) / 2
        for number, bars in enumerate(series.values()):
            x = start + number * (bar + GAP)
            parts.append(_bar(x, bar, plot, number, *bars[place]))
    parts += _legend(list(series))
    spoken = "; ".join(
        f"{label}: " + ", ".join(f"{name} {_spoken(bars[i][0])}" for name, bars in series.items())
        for i, label in enumerate(labels)
    )
    return _figure(title, spoken, "".join(parts), HEIGHT)


def count_chart(title: str, counts: dict[str, int]) -> str:
    """Lying bars, one per name, with the number and its share of the sum behind."""
    total, largest = sum(counts.values()), max([1, *counts.values()])
    left, row, parts = 190, 24, []
    for place, (name, count) in enumerate(counts.items()):
        y, width = place * row + 4, (WIDTH - left - 120) * count / largest
        share = f" ({100 * count / total:.1f} %)" if total else ""
        parts.append(_text(left - 10, y + 13, name, anchor="end"))
        parts.append(_rect(0, left, y, width, 16))
        parts.append(_text(left + width + 8, y + 13, f"{count:,}{share}", anchor="start"))
    spoken = "; ".join(f"{name}: {count}" for name, count in counts.items())
    return _figure(title, spoken, "".join(parts), row * max(1, len(counts)) + 4)


def _figure(title: str, spoken: str, content: str, height: int) -> str:
    return (
        f"<figure><figcaption>{plain(title)}</figcaption>\n"
        f'<svg viewBox="0 0 {WIDTH} {height}" font-size="12" fill="currentColor" role="img" '
        f'aria-label="{plain(f"{title}. {spoken}"[:MAX_TEXT])}">{content}</svg></figure>\n'
    )


def _grid(plot: int) -> str:
    lines = []
    for value in (0, 25, 50, 75, 100):
        y = TOP + plot * (1 - value / 100)
        place = f'x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"'
        lines.append(f'<line class="grid" stroke="#ccc" {place}/>')
        lines.append(_text(LEFT - 8, y + 4, str(value), "soft", "end"))
    return "".join(lines)


def _bar(x: float, width: float, plot: int, number: int, rate: float | None, n: int) -> str:
    base, middle = TOP + plot, x + width / 2
    if rate is None or not n:
        return _text(middle, base - 4, "-", "soft")
    height = plot * rate / 100
    low, high = (base - plot * bound / 100 for bound in wilson(rate, n))
    whisker = (
        f'<line class="whisker" stroke="#888" x1="{middle:.1f}" x2="{middle:.1f}" '
        f'y1="{low:.1f}" y2="{high:.1f}"/>'
    )
    bar = _rect(number, x, base - height, width, height)
    return bar + whisker + _text(middle, min(high, base - height) - 4, f"{rate:.0f}")


def _rect(number: int, x: float, y: float, width: float, height: float) -> str:
    """In the colour of the series of that number."""
    number %= len(FILLS)
    return (
        f'<rect class="s{number}" fill="{FILLS[number]}" x="{x:.1f}" y="{y:.1f}" '
        f'width="{width:.1f}" height="{height:.1f}"/>'
    )


def _legend(names: Sequence[str]) -> list[str]:
    parts, x = [], LEFT
    for number, name in enumerate(names):
        parts.append(_rect(number, x, 0, 12, 12))
        parts.append(_text(x + 18, 11, name, anchor="start"))
        x += 46 + 8 * len(name)
    return parts


def _text(x: float, y: float, text: str, style: str = "", anchor: str = "middle") -> str:
    kind = f' class="{style}"' if style else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{kind}>{plain(text)}</text>'


def _spoken(rate: float | None) -> str:
    return "none" if rate is None else f"{rate:.2f} %"
