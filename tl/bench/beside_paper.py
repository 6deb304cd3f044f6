"""What was measured beside what the paper prints, as its Tables 3 and 4 are.

A table has a row of what was measured, a row of the number of cases, and the paper's rows, each
marked "paper". RoTBench is measured twice, as mended (`fixed`) and as its published script counts
(`official`); the paper does not say which it used. Level clean alone can be held beside it. A cell
of the paper that no number of cases can give has a question mark.
"""

from typing import Any, NamedTuple

from tl.bench.published import IMPOSSIBLE, MULTI, SINGLE, SOURCE, TABLE_3, TABLE_4

TITLES = {"toolalpaca": "ToolAlpaca", "rotbench": "RoTBench", "bfcl": "BFCL-v3",
          "tooleyes": "ToolEyes"}  # fmt: skip
KINDS = ((SINGLE, TABLE_3, 3), (MULTI, TABLE_4, 4))

Column = tuple[str, str]  # benchmark, metric


class Block(NamedTuple):
    """A table: its header, and its rows of numbers and texts."""

    header: list[str]
    rows: list[list]


def paper_numbers(scores: dict[str, Any]) -> dict[str, Any]:
    """For scores.json: {"source", "toolalpaca": {model: {"ts", "pi", "cf"}}, ...} of the benchmarks
    that were measured; empty where none of them was.
    """
    found: dict[str, Any] = {}
    for columns, table, _ in KINDS:
        for column in _columns(columns, scores):
            for model, values in table.items():
                value = values[columns.index(column)]
                found.setdefault(column[0], {}).setdefault(model, {})[column[1]] = value
    return {"source": SOURCE, **found} if found else {}


def blocks(scores: dict[str, Any]) -> list[Block]:
    """The tables of what was measured: of one benchmark its columns, of several the whole ones."""
    found = []
    for columns, table, number in KINDS:
        shown = _columns(columns, scores)
        if len({name for name, _ in shown}) > 1:
            shown = list(columns)
        if shown:
            header = [f"{TITLES[name]} {metric.upper()}" for name, metric in shown]
            rows = _measured(scores, shown)
            rows += [
                [f"paper: {model}", *(_printed(number, model, column, values, columns)
                                      for column in shown)]
                for model, values in table.items()
            ]  # fmt: skip
            found.append(Block([f"beside the paper's Table {number}, %", *header], rows))
    return found


def _columns(columns: tuple[Column, ...], scores: dict[str, Any]) -> list[Column]:
    return [column for column in columns if _of(scores, column[0]) is not None]


def _measured(scores: dict[str, Any], columns: list[Column]) -> list[list]:
    rows = [["measured", *(_cell(scores, column) for column in columns)]]
    if "rotbench" in {name for name, _ in columns} and _of(scores, "rotbench"):
        cells = [_cell(scores, each, "official") if each[0] == "rotbench" else None
                 for each in columns]  # fmt: skip
        rows.append(["measured, by RoTBench's script", *cells])
    counts = [(_of(scores, name) or {}).get("n_calls" if metric in ("de", "ce") else "n")
              for name, metric in columns]  # fmt: skip
    return [*rows, ["measured on so many cases (DE, CE: calls)", *counts]]


def _cell(scores: dict[str, Any], column: Column, protocol: str = "") -> float | None:
    numbers = _of(scores, column[0]) or {}
    return (numbers.get(protocol, {}) if protocol else numbers).get(column[1])


def _of(scores: dict[str, Any], benchmark: str) -> dict[str, Any] | None:
    """The numbers of the set that the paper's are of; None where it was not measured."""
    part = {"rotbench": "clean", "bfcl": "exec"}.get(benchmark)
    numbers = scores.get(benchmark)
    return numbers.get(part) if numbers and part else numbers


def _printed(number: int, model: str, column: Column, values: tuple, columns: tuple) -> str:
    value = values[columns.index(column)]
    doubtful = {(cell.table, cell.model, cell.benchmark, cell.metric) for cell in IMPOSSIBLE}
    return f"{value:.2f}{'?' * ((number, model, *column) in doubtful)}"
