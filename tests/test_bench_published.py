"""The paper's tables as data: copied right, and which of their cells cannot be."""

import re
from fractions import Fraction

import pytest

from tests.shared import shared
from tl.bench.published import (
    AVERAGE,
    CASES,
    IMPOSSIBLE,
    TABLE_1,
    TABLES,
    cells,
    is_share,
    paper_rows,
)
from tl.bench.summary import render_summary


def measured():
    """Cells that are shares of a known number of cases."""
    return [c for c in cells() if c.model != AVERAGE and c.metric not in ("de", "ce")]


def test_the_cells_that_are_no_k_of_n_are_flagged():
    """By hand: every k is tried, the two neighbours of a flagged cell miss it."""
    flagged = []
    for cell in measured():
        n = CASES[cell.benchmark]
        shares = {f"{float(Fraction(100 * k, n)):.2f}" for k in range(n + 1)}
        if f"{cell.value:.2f}" not in shares:
            flagged.append(cell)
        assert is_share(cell.value, n) == (f"{cell.value:.2f}" in shares), cell
    assert tuple(flagged) == IMPOSSIBLE
    assert [cell.value for cell in flagged] == [75.56, 43.45, 59.32, 43.68, 77.78, 71.72]
    assert len(measured()) == 90 + 9 + 56


def test_bfcl_has_240_cases_and_not_239():
    values = [cell.value for cell in measured() if cell.benchmark == "bfcl"]
    assert len(values) == 30 and all(is_share(value, 240) for value in values)
    assert sum(is_share(value, 239) for value in values) <= 2


@pytest.mark.parametrize(
    ("n", "value", "possible"),
    [(3, 33.33, True), (3, 66.67, True), (3, 66.66, False), (382, 43.46, True), (1, 100.0, True)],
)
def test_shares(n, value, possible):
    assert is_share(value, n) is possible


@pytest.mark.parametrize("number", [3, 4])
def test_the_averages_are_those_of_the_rows(number):
    columns, table = TABLES[number]
    for place, column in enumerate(columns):
        rows = [values[place] for model, values in table.items() if model != AVERAGE]
        assert abs(table[AVERAGE][place] - sum(rows) / len(rows)) < 0.0051, column


def test_rows_of_a_benchmark():
    rows = paper_rows("tooleyes")
    assert list(rows)[0] == AVERAGE and rows["TL-CodeLLaMA-2"] == {
        "de": 0.82, "ce": 4.84, "va": 77.75}  # fmt: skip
    assert "NexusRaven-2" not in rows and len(paper_rows("bfcl")) == 11


def test_the_rows_are_printed_below_measured_ones():
    text = render_summary({}, "toolalpaca")
    assert "arXiv:2412.15495, %" in text.splitlines()[0]
    (row,) = (line for line in text.splitlines() if "ToolLLaMA-2" in line)
    assert row.split() == ["paper:", "ToolLLaMA-2", "75.56?", "61.40", "37.72"]
    assert text.count("?") == 1 and render_summary({}, "tooleyes").count("?") == 1
    assert "?" not in render_summary({}, "bfcl") and render_summary({}, "world") == ""


def test_every_cell_stands_in_the_paper():
    """The text of the paper, where it lies beside the repository: row by row, all numbers."""
    text = shared("sources/tl_training_paper.md").read_text("utf-8")
    numbers = {}
    for line in text.splitlines():
        name, *values = re.sub(r"</?b>|<[^>]*>|&amp;|\*", " ", line).split("\t")
        if values:
            key = re.sub(r"[^\w.-]", "", name)
            numbers.setdefault(key, []).append([float(v) for v in values if _is_number(v)])
    for _, table in TABLES.values():
        for model, row in table.items():
            found = [v for k, v in numbers.items() if k.startswith(_key(model))]
            assert list(row) in [each for rows in found for each in rows], model
    for place in (0, 1):
        assert all(f"{values[place]:.2f}%" in text for values in TABLE_1.values())


def _key(model):
    return re.sub(r"[^\w.-]", "", model)


def _is_number(text):
    return re.fullmatch(r"\s*\d+\.\d+\s*", text) is not None
