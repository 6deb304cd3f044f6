"""The numbers of an evaluation as a plain text table, for the terminal."""

from collections.abc import Sequence
from typing import Any

from tl.bench.anatomy import CATEGORIES
from tl.bench.beside_paper import blocks as paper_blocks
from tl.bench.published import SOURCE
from tl.bench.score import scored_sets

LEVELS = ("ts", "pi", "cf")
GUARDS = {  # of `confined` -> what a program may do without it
    "limits": "use memory and time without limit",
    "network": "use the network",
    "processes": "see and signal other processes",
    "files": "write outside of their folder",
}


def render_summary(scores: dict[str, Any]) -> str:
    """Every set of `score.score`: rates with n beside them, then the wrong calls by category, then
    what the paper prints for the same benchmarks.
    """
    sets = list(scored_sets(scores))
    single = [(name, numbers) for name, numbers in sets if "ts" in numbers]
    multi = [(name, numbers) for name, numbers in sets if "va" in numbers]
    blocks = []
    if single:
        header = ("first call, %", "n", "TS", "PI", "CF", "under-calling")
        blocks.append(text_table(header, [single_row(*pair) for pair in single]))
        blocks.append(_protocols_block(single))
        needless = [pair for pair in single if pair[1]["ask"]["n"] or pair[1]["direct"]["n"]]
        header = ("", "ask n", "right", "over-calling", "direct n", "right", "over-calling")
        rows = [_kinds_row(*pair) for pair in needless]
        blocks.append(text_table(header, rows) if rows else "")
        blocks += [_split_block(name, numbers) for name, numbers in single if has_parts(name)]
        header = ("wrong first calls", *(name.split("/")[-1] for name, _ in single))
        blocks.append(text_table(header, _anatomy_rows([numbers for _, numbers in single])))
    if accepted := [(name, numbers) for name, numbers in sets if "ast" in numbers]:
        header = ("all calls, %", "n", "AST")
        rows = [[name, numbers["n"], numbers["ast"]] for name, numbers in accepted]
        blocks.append(text_table(header, rows))
    if rows := [text_row(*pair) for pair in sets if "right" in pair[1]]:
        blocks.append(text_table(("general ability, %", "n", "right", "mean of parts"), rows))
        blocks += [text for text in (guards_text(*pair) for pair in sets) if text]
    if multi:
        header = ("episodes, %", "n", "VA", "answers", "correct", "calls", "DE", "CE")
        rows = [multi_row(*pair) for pair in multi]
        rows += [multi_row(f"  {part}", n) for _, numbers in multi for part, n in _parts(numbers)]
        blocks.append(text_table(header, rows))
    for header, rows in paper_blocks(scores):
        table = text_table(header, rows)
        blocks.append(f"{table}\npaper: {SOURCE}; ?: no number of cases gives this share")
    return "\n\n".join(block for block in blocks if block)


def has_parts(name: str) -> bool:
    """Whether a set is shown in its parts; the world's levels of noise are not."""
    return not name.startswith("levels/")


def protocol_rows(single: Sequence[tuple[str, dict[str, Any]]]) -> list[list]:
    """[set, protocol, n, TS, PI, CF, and the TS, PI, CF that the golds themselves would get]"""
    return [
        [f"{name}, {protocol}", of["n"], *(of[key] for key in LEVELS)]
        + [of["ceiling"][key] for key in LEVELS]
        for name, numbers in single
        for protocol, of in numbers.items()
        if isinstance(of, dict) and "ceiling" in of
    ]


def single_row(name: str, numbers: dict[str, Any]) -> list:
    """[name, n, TS, PI, CF, under-calling or nothing]"""
    row = [name, numbers["n"], *(numbers[level] for level in LEVELS)]
    return row + [numbers[key] for key in ("under_calling",) if key in numbers]


def multi_row(name: str, numbers: dict[str, Any]) -> list:
    """[name, episodes, VA, judged answers, correct, calls, DE, CE]"""
    keys = ("n", "va", "n_answers", "answer_correct", "n_calls", "de", "ce")
    return [name, *(numbers[key] for key in keys)]


def text_row(name: str, numbers: dict[str, Any]) -> list:
    """[name, questions, right, mean over its parts]"""
    return [name, numbers["n"], numbers["right"], numbers.get("mean_of_subjects")]


def guards_text(name: str, numbers: dict[str, Any]) -> str:
    """What could not be denied to the programs of a model here; "" where all of it could."""
    missing = [GUARDS[guard] for guard, held in numbers.get("guards", {}).items() if not held]
    return f"{name}: this platform let programs {', '.join(missing)}" if missing else ""


def text_table(header: Sequence[str], rows: Sequence[Sequence]) -> str:
    """Columns aligned, the first to the left; None is a dash."""
    cells = [list(header), *([cell_text(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells if i < len(row)) for i in range(len(header))]
    lines = []
    for row in cells:
        rest = (f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=False))
        lines.append("  ".join([f"{row[0]:<{widths[0]}}", *rest]).rstrip())
    return "\n".join(lines)


def cell_text(value: Any) -> str:
    """A number as it is printed everywhere: rates with two decimals, counts with groups."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _protocols_block(single: Sequence[tuple[str, dict[str, Any]]]) -> str:
    header = ("protocol, %", "n", "TS", "PI", "CF", "gold: TS", "PI", "CF")
    rows = protocol_rows(single)
    return text_table(header, rows) if rows else ""


def _kinds_row(name: str, numbers: dict[str, Any]) -> list:
    keys = ("n", "right", "over_calling")
    return [name, *(numbers[kind][key] for kind in ("ask", "direct") for key in keys)]


def _split_block(name: str, numbers: dict[str, Any]) -> str:
    rows = [single_row(part, n) for part, n in _parts(numbers)]
    return text_table((f"{name}, %", "n", "TS", "PI", "CF"), rows) if rows else ""


def _parts(numbers: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    splits = [value for key, value in numbers.items() if key.startswith("by_")]
    return [part for split in splits for part in split.items()]


def _anatomy_rows(columns: list[dict[str, Any]]) -> list[list]:
    found = [numbers["anatomy"] for numbers in columns]
    rows = [["all", *(each["n"] for each in found)]]
    for name in CATEGORIES:
        rows.append([name, *(each["categories"][name]["count"] for each in found)])
    return rows
