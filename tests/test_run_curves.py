"""curves.svg: one plot per number, readable by any XML parser."""

import math
import xml.etree.ElementTree as ElementTree

from hypothesis import given
from hypothesis import strategies as st

from tl.run.curves import render_curves

NUMBERS = st.floats(-1e6, 1e6) | st.none()


@given(st.lists(NUMBERS, max_size=8), st.text(max_size=20))
def test_any_numbers_give_a_picture(values, title):
    title = "".join(c for c in title if c.isprintable())
    metrics = {step: {"a": value} for step, value in enumerate(values)}
    root = ElementTree.fromstring(render_curves(metrics, {"a": title, "absent": "Absent"}))
    known = [value for value in values if value is not None]
    lines = root.findall("{*}polyline")
    assert len(lines) == bool(known)
    texts = [each.text or "" for each in root.findall("{*}text")]
    assert "Absent" not in texts and (not known or title in texts)
    for line in lines:
        points = [tuple(map(float, point.split(","))) for point in line.get("points").split()]
        assert len(points) == len(known)
        assert all(math.isfinite(x) and 0 <= x <= 300 and 0 <= y <= 170 for x, y in points)
        by_value = sorted(zip(known, (y for _, y in points), strict=True))
        assert all(b[1] <= a[1] + 0.11 for a, b in zip(by_value, by_value[1:], strict=False))


def test_plots_stand_in_rows_of_three():
    metrics = {step: {name: step * 1.0 for name in "abcd"} for step in (1, 2, 3)}
    root = ElementTree.fromstring(render_curves(metrics, {name: name for name in "abcd"}))
    assert root.get("viewBox") == "0 0 900 340" and len(root.findall("{*}polyline")) == 4
