"""The parts of a page: text made safe, tables, the style, the whole document.

What a model wrote is hostile until escaped. Everything that is not written here goes through
`plain`; the document forbids scripts and every outside resource by its own policy as well.
"""

import html
import unicodedata
from collections.abc import Sequence
from typing import Any

from tl.bench.summary import cell_text

HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # what does not show, or turns text around
MAX_TEXT = 4_000

STYLE = """
:root { color-scheme: light dark; --ink: #1d2329; --soft: #56616b; --paper: #fbfaf7;
  --card: #ffffff; --line: #d9d6cd; --a: #1f3a5f; --b: #2b7a78; --c: #b5651d;
  --bad: #9b1c1c; --bad-paper: #fbe3e0; --good: #1d5c3a; --good-paper: #dff0e4; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e4de; --soft: #a6adb4; --paper: #15181b;
  --card: #1d2125; --line: #3a4046; --a: #8fb4e3; --b: #6cc5bf; --c: #e5a668;
  --bad: #ffb4aa; --bad-paper: #4a1f1c; --good: #a5dcb9; --good-paper: #1c3a28; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 2.5rem 1.25rem 5rem; color: var(--ink);
  background: var(--paper); font: 16px/1.55 system-ui, "Segoe UI", Roboto, sans-serif; }
h1, h2, h3 { line-height: 1.2; font-weight: 600; text-wrap: balance; }
h1 { margin: 0 0 .25rem; font-size: 1.9rem; }
h2 { margin: 3rem 0 .75rem; padding-top: 1rem; border-top: 1px solid var(--line);
  font-size: 1.35rem; }
h3 { margin: 2rem 0 .5rem; font-size: 1.05rem; }
p { max-width: 44rem; } .soft, figcaption, caption { color: var(--soft); }
a { color: inherit; } nav a { margin-right: 1rem; } :focus-visible { outline: 3px solid var(--b); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: .5rem 0 1rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .35rem; font-size: .92rem; }
th, td { padding: .28rem 0 .28rem 1.5rem; text-align: right; font-weight: 400; }
th:first-child { text-align: left; padding-left: 0; } tbody th { white-space: nowrap; }
thead th { border-bottom: 1px solid var(--ink); font-weight: 600; vertical-align: bottom; }
tbody tr + tr > * { border-top: 1px solid var(--line); }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1.2rem; margin: 1rem 0;
  font-size: .92rem; } dl.facts dt { color: var(--soft); } dl.facts dd { margin: 0; }
figure { margin: 1rem 0 1.5rem; } figcaption { font-size: .92rem; margin-bottom: .4rem; }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--ink); font: inherit;
  font-size: 12px; } svg .soft { fill: var(--soft); } svg .grid { stroke: var(--line); }
svg .whisker { stroke: var(--ink); stroke-width: 1.2; }
.s0 { fill: var(--a); } .s1 { fill: var(--b); } .s2 { fill: var(--c); }
.case { margin: .9rem 0; padding: .9rem 1.1rem; background: var(--card);
  border: 1px solid var(--line); border-radius: 6px; break-inside: avoid; }
.case > header { display: flex; flex-wrap: wrap; gap: .2rem .9rem; font-size: .88rem;
  color: var(--soft); } .case blockquote { margin: .5rem 0 .7rem; font-weight: 600; }
.tag { color: var(--bad); font-weight: 600; } .case dl { display: grid; margin: 0 0 .4rem;
  grid-template-columns: 5.5rem 1fr; gap: .25rem .6rem; } .case dt { color: var(--soft); }
.case dd { margin: 0; min-width: 0; } code, pre { font: .86rem/1.5 ui-monospace, Menlo, Consolas,
  monospace; overflow-wrap: anywhere; white-space: pre-wrap; } pre { margin: .3rem 0; }
mark { padding: 0 .15em; border-radius: 2px; color: var(--bad); background: var(--bad-paper);
  text-decoration: underline wavy from-font; } mark.gold { color: var(--good);
  background: var(--good-paper); text-decoration: underline; }
summary { cursor: pointer; color: var(--soft); font-size: .88rem; }
ol.turns { margin: 0; padding-left: 1.6rem; } ol.turns li { margin: .35rem 0; }
@media print { body { max-width: none; padding: 0; background: none; font-size: 10.5pt; }
  nav { display: none; } h2 { break-after: avoid; } table, figure { break-inside: avoid; }
  svg, mark { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""


def plain(value: Any) -> str:
    """Text for HTML: escaped, what does not show made visible, very long text cut with a mark."""
    text = str(value)
    rest = len(text) - MAX_TEXT
    text = "".join(map(_visible, text[:MAX_TEXT]))
    return html.escape(text) + (f" <em>[{rest:,} more characters]</em>" if rest > 0 else "")


def table(caption: str, header: Sequence[str], rows: Sequence[Sequence]) -> str:
    """A table whose first column heads its rows. Cells are numbers or texts, None is a dash."""
    head = "".join(f'<th scope="col">{plain(cell)}</th>' for cell in header)
    body = "".join(
        f'<tr><th scope="row">{plain(cell_text(row[0]))}</th>'
        + "".join(f"<td>{plain(cell_text(cell))}</td>" for cell in row[1:])
        + "</tr>\n"
        for row in rows
    )
    return (
        f'<div class="scroll"><table><caption>{plain(caption)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n"
    )


def folded(summary: str, content: str) -> str:
    """Content (HTML) behind a line (text) that opens it."""
    return f"<details><summary>{plain(summary)}</summary>{content}</details>\n"


def document(title: str, body: str) -> str:
    """The whole page around its body (HTML)."""
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{plain(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<main>\n{body}</main>\n</body>\n</html>\n"
    )


def _visible(character: str) -> str:
    if character in "\n\t" or unicodedata.category(character) not in HIDDEN:
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
