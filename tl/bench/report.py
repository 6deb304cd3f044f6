"""report.html: the scores as tables and charts, the wrong replies call by call, in one file that
needs nothing else.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tl.bench.anatomy import ASPECTS, CATEGORIES, Encode, category_title, name_pieces
from tl.bench.beside_paper import blocks as paper_blocks
from tl.bench.failures import multi_failures, single_failures
from tl.bench.page import document, plain, table
from tl.bench.published import SOURCE
from tl.bench.records import AcceptedSet, AnySet, MultiSet, TextSet
from tl.bench.score import scored_sets
from tl.bench.summary import (
    guards_text,
    has_parts,
    multi_row,
    protocol_rows,
    single_row,
    text_row,
)
from tl.bench.svg import count_chart, rate_chart

LEVELS = {"TS": "ts", "PI": "pi", "CF": "cf"}
Named = list[tuple[str, dict[str, Any]]]

METHOD = (
    "TS: the first call names the right tool. PI: it also gives exactly the right parameters. "
    "CF: it also has the right values. Whiskers are 95 % intervals (Wilson) for the number of "
    "cases below each group. In the calls below, what differs from the closest right call is "
    "marked and underlined."
)


def render_report(
    scores: dict[str, Any],
    sets: Sequence[AnySet],
    facts: Mapping[str, Any],
    encode: Encode = name_pieces,
) -> str:
    """The page. scores: of `score.score` for the same sets; facts: model, data, flags, to be shown
    at the top; the first one is the page's subject.
    """
    named = list(scored_sets(scores))
    single = [(name, numbers) for name, numbers in named if "ts" in numbers]
    multi = [(name, numbers) for name, numbers in named if "va" in numbers]
    sections = {}
    if single:
        sections["First call"] = _single_section(single)
        sections["Anatomy of errors"] = _anatomy_section(single)
    if accepted := [(name, n["n"], n["ast"]) for name, n in named if "ast" in n]:
        caption = "All calls of a reply, by BFCL's own rules; percent"
        sections["Syntax trees"] = table(caption, ("set", "n", "right"), accepted)
    if general := [pair for pair in named if "right" in pair[1]]:
        sections["General ability"] = _general_section(general)
    sections |= {f"Episodes: {name}": _multi_section(numbers) for name, numbers in multi}
    if paper := paper_blocks(scores):
        caption = f"paper: {SOURCE}; a question mark: no number of cases gives this share"
        sections["Beside the paper"] = "".join(table(caption, *each) for each in paper)
    sections["Wrong replies"] = _failures_section(sets, encode)
    title = f"Tool use: {next(iter(facts.values()), 'evaluation')}"
    return document(title, _head(title, facts, sections) + _body(sections))


def _head(title: str, facts: Mapping[str, Any], sections: Iterable[str]) -> str:
    rows = "".join(f"<dt>{plain(name)}</dt><dd>{plain(v)}</dd>" for name, v in facts.items())
    links = "".join(f'<a href="#part{i}">{plain(n)}</a>\n' for i, n in enumerate(sections, 1))
    return (
        f'<h1>{plain(title)}</h1>\n<dl class="facts">{rows}</dl>\n'
        f'<nav aria-label="Sections">{links}</nav>\n'
    )


def _body(sections: Mapping[str, str]) -> str:
    return "".join(
        f'<section>\n<h2 id="part{i}">{plain(name)}</h2>\n{content}</section>\n'
        for i, (name, content) in enumerate(sections.items(), 1)
    )


def _single_section(single: Named) -> str:
    header = ("set", "n", "TS", "PI", "CF", "under-calling")
    rows = [single_row(name, numbers) for name, numbers in single]
    parts = [f'<p class="soft">{METHOD}</p>\n']
    parts.append(table("Queries that need a tool; shares in percent", header, rows))
    if rows := protocol_rows(single):
        header = ("set, protocol", "n", "TS", "PI", "CF", "gold: TS", "PI", "CF")
        caption = "Other ways to count, and what the gold calls themselves would get; percent"
        parts.append(table(caption, header, rows))
    parts.append(_rates("First call, by set", single))
    rows = [
        [name, kind, *(numbers[kind][key] for key in ("n", "right", "over_calling"))]
        for name, numbers in single
        for kind in ("ask", "direct")
        if numbers[kind]["n"]
    ]
    if rows:
        header = ("set", "needs", "n", "right", "over-calling")
        caption = "Queries that need a question (ask) or just an answer (direct); percent"
        parts.append(table(caption, header, rows))
    for name, numbers in single:
        if has_parts(name):
            parts += _splits(name, numbers)
            parts.append(_decisions(name, numbers))
    return "".join(parts)


def _splits(name: str, numbers: dict[str, Any]) -> list[str]:
    parts = []
    for key, of in numbers.items():
        if key.startswith("by_"):
            named = list(of.items())
            split = key.removeprefix("by_")
            parts.append(_rates(f"{name}, by {split}", named))
            header = (split, "n", "TS", "PI", "CF")
            rows = [single_row(*pair) for pair in named]
            parts.append(table(f"{name}, by {split}", header, rows))
    return parts


def _rates(title: str, named: Named) -> str:
    series = {
        shown: [(numbers[key], numbers["n"]) for _, numbers in named]
        for shown, key in LEVELS.items()
    }
    return rate_chart(title, [name.split("/")[-1] for name, _ in named], series)


def _decisions(name: str, numbers: dict[str, Any]) -> str:
    header = ("the query needs", "n", "calls a tool", "asks", "answers", "unreadable")
    rows = [[kind, *counts.values()] for kind, counts in numbers["decisions"].items()]
    return table(f"{name}: what the first reply does (number of queries)", header, rows)


def _anatomy_section(single: Named) -> str:
    parts = [
        '<p class="soft">Queries that need a tool, first calls without CF. Each has one category. '
        "Synonyms are found by form alone (case, punctuation, numbers, stems, one within the "
        "other), so their share is a lower bound.</p>\n"
    ]
    for name, numbers in single:
        if has_parts(name) and numbers["anatomy"]["n"]:
            found = numbers["anatomy"]["categories"]
            counts = {category_title(kind): found[kind]["count"] for kind in CATEGORIES}
            parts.append(count_chart(f"{name}: {numbers['anatomy']['n']} failures", counts))
    columns = [f"{name.split('/')[-1]} ({numbers['anatomy']['n']})" for name, numbers in single]
    rows = [
        [f"{aspect}: {kind}", *(n["anatomy"]["table1"][aspect][kind] for _, n in single)]
        for aspect, kinds in ASPECTS.items()
        for kind in kinds
    ]
    hallucinated = [numbers["anatomy"]["tool_hallucination"] for _, numbers in single]
    rows.append(["calls of tools that are not on offer", *hallucinated])
    caption = (
        "As in Table 1 of the paper: percent of the failures of each aspect; one call can have "
        "several kinds. In brackets: failures"
    )
    return "".join(parts) + table(caption, ["error", *columns], rows)


def _multi_section(numbers: dict[str, Any]) -> str:
    parts = [
        '<p class="soft">DE: calls that the documentation forbids (unknown tool, unknown or '
        "missing parameter). CE: calls with any other error. VA: episodes that the model itself "
        "finished within nine turns with an answer. Correct: the valid answer has every expected "
        "value.</p>\n"
    ]
    header = ("part", "episodes", "VA", "judged", "correct", "calls", "DE", "CE")
    rows = [multi_row("all", numbers)]
    splits = {key: of for key, of in numbers.items() if key.startswith("by_")}
    rows += [multi_row(part, of) for split in splits.values() for part, of in split.items()]
    parts.append(table("Shares in percent", header, rows))
    for key, of in splits.items():
        series = {
            "VA": [(n["va"], n["n"]) for n in of.values()],
            "DE": [(n["de"], n["n_calls"]) for n in of.values()],
            "CE": [(n["ce"], n["n_calls"]) for n in of.values()],
        }
        parts.append(rate_chart(f"By {key.removeprefix('by_')}", list(of), series))
    errors = {kind.replace("_", " "): count for kind, count in numbers["errors"].items()}
    parts.append(count_chart(f"Calls with an error, of {numbers['n_calls']:,}", errors))
    parts.append(count_chart("How the episodes ended", numbers["ends"]))
    share = numbers["format_errors"]
    if share is not None:
        parts.append(
            f"<p>{share:.2f} % of {numbers['n_replies']:,} replies were meant as a call, but are "
            "none.</p>\n"
        )
    return "".join(parts)


def _general_section(general: Named) -> str:
    parts = [table("Questions of general ability; percent", ("set", "n", "right", "mean of parts"),
                   [text_row(*pair) for pair in general])]  # fmt: skip
    for name, numbers in general:
        parts.append(f"<p>{plain(text)}</p>\n" if (text := guards_text(name, numbers)) else "")
        for key, of in numbers.items():
            if key.startswith("by_"):
                rows = [[part, each["n"], each["right"]] for part, each in of.items()]
                title = f"{name}, by {key.removeprefix('by_')}"
                parts.append(table(title, (title.split()[-1], "n", "right"), rows))
    return "".join(parts)


def _failures_section(sets: Sequence[AnySet], encode: Encode) -> str:
    parts = []
    for each in sets:
        if isinstance(each, AcceptedSet | TextSet):
            continue
        is_multi = isinstance(each, MultiSet)
        found = multi_failures(each) if is_multi else single_failures(each, encode)
        parts.append(f"<h3>{plain(each.name)}</h3>\n{found or '<p>None.</p>'}\n")
    return "".join(parts)
