"""The report: well-formed, harmless, complete; charts to scale; the numbers are those of scores."""

import json
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategies.bench import DIALOGUE, HOSTILE, cases, scored
from tl.bench.page import plain, table
from tl.bench.predictions import read_predictions, render_predictions
from tl.bench.records import Case, Episode, MultiSet, Prediction, SingleSet, Task, Turn
from tl.bench.report import render_report
from tl.bench.score import score, scored_sets
from tl.bench.summary import render_summary, text_table
from tl.bench.svg import count_chart, rate_chart, wilson
from tl.calls.parse import CallError, parse_call
from tl.calls.schema import Call, Tool

VOID = {"meta", "br"}
FACTS = {"model": "out/sft", "dialect": "codellama", HOSTILE[0]: HOSTILE[1]}
PARAMETERS = {"properties": {"city": {}, "day": {}}, "required": ["city"]}
OFFERED = (Tool("get_weather", "", PARAMETERS), Tool("get_time", "", PARAMETERS), *DIALOGUE)
CASE = Case("a", "Weather?", OFFERED, (Call("get_weather", {"city": "Rome"}),))


class Page(HTMLParser):
    """Checks the nesting of tags while it reads, and keeps tags, attributes and text."""

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.attributes, self.texts = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attributes]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attributes]

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, (tag, self.open, self.getpos())

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)


def report(*sets, facts=FACTS) -> str:
    return render_report(score(sets), sets, facts)


def one(reply: Call | str, case: Case = CASE, name: str = "seen") -> SingleSet:
    prediction = Prediction(reply) if isinstance(reply, str) else Prediction("...", reply)
    return SingleSet(name, (case,), (prediction,))


def episodes(*texts: str) -> MultiSet:
    turns = tuple(Turn(text, Call(text, {text: text}), text) for text in texts)
    task = Task("m", texts[0], OFFERED, (Call(texts[0]),), texts, splits={"scenario": texts[0]})
    other = Task("n", "?", OFFERED, splits={"scenario": "RS"})
    played = (Episode(turns, "answer", "".join(texts)), Episode((), "length"))
    return MultiSet("multi", (task, other), played)


ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "main", "nav", "a", "h1", "h2", "h3", "h4",
    "p", "div", "dl", "dt", "dd", "table", "caption", "thead", "tbody", "tr", "th", "td", "figure",
    "figcaption", "svg", "rect", "line", "text", "article", "section", "header", "span",
    "blockquote", "code", "pre", "mark", "details", "summary", "br", "ol", "li", "em",
}  # fmt: skip
NAMED = {"id", "class", "lang", "charset", "name", "content", "http-equiv", "scope", "role", "href",
         "aria-label", "viewbox", "x", "y", "x1", "x2", "y1", "y2", "width", "height", "fill",
         "stroke", "font-size", "text-anchor"}  # fmt: skip


def check_harmless(text: str) -> Page:
    """Well-formed; only the tags and attributes that the report itself writes; nothing outside."""
    text.encode("utf-8")
    page = Page(text)
    assert set(page.tags) <= ALLOWED, set(page.tags) - ALLOWED
    assert {name for _, name, _ in page.attributes} <= NAMED
    assert "<script" not in text.lower() and "javascript:" not in text.lower()
    for _, name, value in page.attributes:
        assert name in ("aria-label", "content") or not re.search(r"//|data:|url\(", value or "")
        assert name != "href" or value.startswith("#")
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style and "@import" not in style and "http" not in style
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)
    return page


@settings(max_examples=40)
@given(scored(), scored(), st.permutations(HOSTILE))
def test_what_a_model_writes_does_no_harm(first, second, texts):
    sets = [SingleSet("seen", *map(tuple, first)), SingleSet("levels/slight", *map(tuple, second))]
    page = check_harmless(report(*sets, episodes(*texts)))
    assert HOSTILE[0] in page.text, "it is shown, as text"


@pytest.mark.parametrize("text", HOSTILE)
def test_every_place_is_escaped(text):
    properties = {"properties": {text: {"description": text}}, "required": [text]}
    tools = (Tool(text, text, properties), *DIALOGUE)
    golds = (Call(text, {text: text}), Call(text))
    case = Case(text, text, tools, golds, splits={"scenario": text})
    again = Case("b", text, tools, (Call("x"),), splits={"scenario": "TG"})
    replies = (Prediction(text, Call(text, {text: 1, text + "!": text})), Prediction(text))
    made = SingleSet("seen", (case, again), replies)
    check_harmless(report(made, episodes(text), facts={text: text}))


def test_the_page_is_complete():
    page = check_harmless(report(one(Call("get_time", {"city": "Rome"})), episodes("now")))
    attributes = page.attributes
    assert ("html", "lang", "en") in attributes
    assert page.texts[page.texts.index("Tool use: out/sft")] and "title" in page.tags
    assert page.tags.count("table") == page.tags.count("caption") > 3
    heads = sum(tag == "th" for tag in page.tags)
    assert heads == sum((t, n) == ("th", "scope") for t, n, _ in attributes)
    pictures = page.tags.count("svg")
    assert pictures == sum((t, n, v) == ("svg", "role", "img") for t, n, v in attributes) > 2
    assert pictures == sum((t, n) == ("svg", "aria-label") for t, n, _ in attributes)
    targets = {value for _, name, value in attributes if name == "id"}
    links = {value[1:] for _, name, value in attributes if name == "href"}
    assert len(links) == 4
    assert links == targets and page.tags.count("h1") == 1


def marks(reply: Call | str, case: Case = CASE) -> list[str]:
    return re.findall(r"<mark[^>]*>(.*?)</mark>", report(one(reply, case)))


def test_what_differs_is_marked():
    tools = ["get_weather", "get_time"]
    assert marks(Call("get_time", {"city": "Rome"})) == tools
    assert marks(Call("get_weather", {"city": "Oslo"})) == ["&#x27;Rome&#x27;", "&#x27;Oslo&#x27;"]
    extra = {"city": "Rome", "day": "Monday", "x": 1}
    assert marks(Call("get_weather", extra)) == ["day = &#x27;Monday&#x27;", "x = 1"]
    assert marks(Call("get_weather")) == ["city = &#x27;Rome&#x27;"]
    assert marks("Hello") == []
    assert marks(CASE.golds[0]) == [], "right calls are not shown"


def test_an_episode_is_readable_turn_by_turn():
    bad = Call("get_time")
    turns = (
        Turn("find('Oslo', 3)", Call("find", {}, ("Oslo", 3)), "{}"),
        Turn("get_time()", bad, "get_time() missing 1 required positional argument: 'city'"),
        Turn("get_time(", None, "Your output format ...", True),
    )
    task = Task("m", "Time?", OFFERED, (Call("get_time", {"city": "Rome"}),), ("9:00",))
    text = Page(report(MultiSet("multi", (task,), (Episode(turns, "turns"),)))).text
    for shown in ("find('Oslo', 3)", "all turns spent", "parameter missing", "9:00", "format",
                  "missing 1 required positional", "get_time(city = 'Rome')"):  # fmt: skip
        assert shown in text, shown


def test_no_category_hides_its_size():
    made = [CASE] * 30
    text = Page(report(SingleSet("seen", tuple(made), (Prediction("Hello."),) * 30))).text
    assert "no call (8 of 30 shown)" in text and text.count("Weather?") == 8


@given(cases(), st.integers(0, 3))
def test_right_sets_and_empty_sets_have_reports(case, size):
    right = tuple(Prediction("...", case.golds[0]) for _ in range(size))
    page = check_harmless(report(SingleSet("seen", (case,) * size, right)))
    assert "None." in page.text


# Charts


@given(st.integers(1, 1000), st.fractions(0, 1))
def test_wilson_intervals(n, share):
    """A bound is a rate from which the measured one is 1.96 standard errors away."""
    for bound in wilson(100 * float(share), n):
        p = bound / 100
        error = (p * (1 - p) / n) ** 0.5
        assert abs(p - share) == pytest.approx(1.959964 * error, abs=1e-7)


def test_bars_are_to_scale():
    series = {"TS": [(100.0, 9), (25.0, 4)], "CF": [(50.0, 9), (None, 0)]}
    chart = rate_chart("t", ["a", "b"], series)
    svg = ElementTree.fromstring(chart[chart.index("<svg") : chart.index("</svg>") + 6])
    bars = [r for r in svg.iter("rect") if r.get("width") != "12.0"]
    heights = [float(bar.get("height")) for bar in bars]
    assert [height / heights[0] for height in heights] == pytest.approx([1, 0.5, 0.25], abs=2e-3)
    bottoms = {round(float(bar.get("y")) + float(bar.get("height")), 1) for bar in bars}
    assert len(bottoms) == 1, "all stand on the axis"
    grid = [line.get("y1") for line in svg.iter("line") if line.get("class") == "grid"]
    assert bars[0].get("y") in grid and bars[2].get("y") in grid, "100 and 25"
    assert "a: TS 100.00 %, CF 50.00 %; b: TS 25.00 %, CF none" in chart


def test_counts_are_to_scale():
    chart = count_chart("t", {"one": 10, "two": 5, "none": 0})
    svg = ElementTree.fromstring(chart[chart.index("<svg") : chart.index("</svg>") + 6])
    widths = [float(bar.get("width")) for bar in svg.iter("rect")]
    assert widths[1] * 2 == pytest.approx(widths[0], abs=0.2) and widths[2] == 0
    assert "5 (33.3 %)" in chart and "<rect" not in count_chart("t", {})


# Text


def test_what_does_not_show_is_made_visible():
    assert plain("a\x00b\u202ec\ud800") == "a\\x00b\\u202ec\\ud800"
    assert plain("<a href='x'>\n") == "&lt;a href=&#x27;x&#x27;&gt;\n"
    assert plain("x" * 5000).endswith("<em>[1,000 more characters]</em>")


def test_tables_have_heads():
    text = table("c", ["set", "n"], [["<b>", 1234], ["y", None]])
    assert '<th scope="row">&lt;b&gt;</th><td>1,234</td>' in text and "<td>-</td>" in text
    lines = text_table(["set", "n"], [["a", 1], ["bc", 12.5]]).split("\n")
    assert lines == ["set      n", "a        1", "bc   12.50"]


def numbers_in(scores) -> set[str]:
    """Every number of scores.json, as it is printed."""
    pending, found = [scores], set()
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, int | float):
            found.add(f"{value:.2f}" if isinstance(value, float) else f"{value:,}")
    return found


@given(scored())
def test_every_number_that_is_printed_is_in_the_scores(pair):
    sets = [SingleSet("seen", *map(tuple, pair)), episodes("now")]
    scores = score(sets)
    printed = re.findall(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?![\w.])", render_summary(scores))
    assert set(printed) <= numbers_in(scores)
    tables = re.findall(r"<td>([\d,.]+)</td>", report(*sets))
    assert set(tables) <= numbers_in(scores)


@settings(max_examples=30)
@given(scored())
def test_scored_again_from_its_file_it_is_the_same(tmp_path_factory, pair):
    def read(text: str) -> Prediction:
        try:
            return Prediction(text, parse_call(text))
        except CallError:
            return Prediction(text)

    made = SingleSet("levels/slight", tuple(pair[0]), tuple(read(p.text) for p in pair[1]))
    path = tmp_path_factory.getbasetemp() / "again.jsonl"
    rows = [{"id": c.id, "text": p.text} for c, p in zip(pair[0], pair[1], strict=True)]
    path.write_text(render_predictions(rows), encoding="ascii")
    rows = read_predictions(path, [case.id for case in pair[0]])
    again = made._replace(predictions=tuple(read(row["text"]) for row in rows))
    assert json.dumps(score([made])) == json.dumps(score([again]))
    assert [name for name, _ in scored_sets(score([made]))] == ["levels/slight"]
    assert report(made) == report(again)
