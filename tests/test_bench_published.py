"""The paper's tables as data: copied right, and which of their cells cannot be."""

import re
from fractions import Fraction

import pytest

from tests.shared import shared
from tl.bench.beside_paper import blocks, paper_numbers
from tl.bench.published import (
    AVERAGE,
    CASES,
    IMPOSSIBLE,
    TABLE_1,
    TABLES,
    cells,
    is_share,
)


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


def test_the_rows_are_printed_below_measured_ones():
    ((header, rows),) = blocks({"toolalpaca": {"n": 114, "ts": 50.0, "pi": 25.0, "cf": 12.5}})
    assert header[1:] == ["ToolAlpaca TS", "ToolAlpaca PI", "ToolAlpaca CF"]
    assert rows[0] == ["measured", 50.0, 25.0, 12.5] and rows[1][1:] == [114, 114, 114]
    assert ["paper: ToolLLaMA-2", "75.56?", "61.40", "37.72"] in rows and len(rows) == 2 + 11
    assert str(rows).count("?") == 1
    assert blocks({"seen": {"n": 1, "ts": 1.0}}) == [] == blocks({"rotbench": {"heavy": {}}})


def test_several_benchmarks_fill_the_papers_tables():
    """Table 3 whole, with dashes for what was not measured; Table 4 beside it."""
    level = {"n": 105, "ts": 90.0, "pi": 80.0, "cf": 70.0, "official": {"ts": 83.0}}
    scores = {"rotbench": {"clean": level}, "bfcl": {"exec": {"n": 240, "ts": 60.0}},
              "tooleyes": {"n": 382, "va": 10.0, "n_calls": 999, "de": 1.0, "ce": 2.0}}  # fmt: skip
    (single, multi), n = blocks(scores), [None] * 3
    assert len(single.header) == 10 and len(multi.header) == 4
    assert single.rows[0][1:] == [*n, 90.0, 80.0, 70.0, 60.0, None, None]
    assert single.rows[1][1:] == [*n, 83.0, None, None, *n]
    assert multi.rows[0][1:] == [1.0, 2.0, 10.0] and multi.rows[1][1:] == [999, 999, 382]
    for block, table in ((single, TABLES[3][1]), (multi, TABLES[4][1])):
        printed = {row[0]: row[1:] for row in block.rows if row[0].startswith("paper: ")}
        assert {f"paper: {model}" for model in table} == printed.keys()
        for model, values in table.items():
            cells = [float(cell.rstrip("?")) for cell in printed[f"paper: {model}"]]
            assert cells == list(values)
    found = paper_numbers(scores)
    assert set(found) == {"source", "rotbench", "bfcl", "tooleyes"}
    assert found["tooleyes"]["GPT-4o"] == {"de": 0.12, "ce": 4.64, "va": 87.43}
    assert paper_numbers({"seen": {}}) == {}


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
