"""ToolAlpaca eval_real: the reader, what it repairs, and the ceilings."""

import json
from collections import Counter

import pytest

from tests.shared import shared
from tl import InputError
from tl.bench.protocols import all_calls, first_gold, fixed, gold_replies, score_protocols
from tl.bench.records import Prediction
from tl.bench.toolalpaca import FILE, MASK, read_toolalpaca
from tl.calls.parse import format_call
from tl.dialects import get_dialect

DATA = "data/toolalpaca"
PROTOCOLS = {"fixed": fixed, "first_gold": first_gold, "all_calls": all_calls}


def cases():
    return [question.case for question in read_toolalpaca(shared(DATA))]


def test_the_golds_reach_the_known_ceilings():
    """5 cases call nothing but tools that are not on offer, another one first of all."""
    found = cases()
    dialect = get_dialect("codellama")
    said, first = [], []
    for case in found:
        offered = {tool.name for tool in case.tools}
        golds = [gold for gold in case.golds if gold.name in offered] or list(case.golds)
        for replies, gold in ((said, golds[0]), (first, case.golds[0])):
            text = format_call(gold)
            replies.append(Prediction(text, dialect.parse(text).calls[0]))
    scores = score_protocols(found, said, PROTOCOLS)
    ceiling = scores["fixed"].pop("ceiling")
    assert scores["fixed"] == ceiling == {"n": 114, "ts": 95.61, "pi": 95.61, "cf": 95.61}
    assert round(100 * 109 / 114, 2) == 95.61
    first_scores = score_protocols(found, first, PROTOCOLS)["first_gold"]
    assert first_scores["ceiling"]["ts"] == first_scores["cf"] == 94.74 == round(10800 / 114, 2)
    every = [list(gold_replies(case))[0] for case in found]
    assert score_protocols(found, every, PROTOCOLS)["all_calls"]["cf"] == 94.74


def test_what_the_file_holds():
    found = cases()
    assert len(found) == len({case.id for case in found}) == 114
    assert found[3].id == "Nager.Date/3"
    assert Counter(len(case.golds) for case in found) == {1: 94, 2: 13, 3: 6, 5: 1}
    assert sum(len(case.tools) == 1 for case in found) == 38
    assert sum(not case.golds[0].arguments for case in found) == 17
    tools = {tool.name: tool for case in found for tool in case.tools}
    kinds = Counter(p["type"] for tool in tools.values() for p in tool.properties.values())
    assert len(tools) == 40 and kinds == {"string": 68, "integer": 5, "number": 2}
    airport = tools["AirportApi_getAirport"]
    assert airport.required == ["icao_code"] and airport.description == ""


def test_keys_are_masked_in_the_query_and_in_the_golds():
    questions = [q for q in read_toolalpaca(shared(DATA)) if "WolframAlpha" in q.case.id]
    for question in questions:
        text = question.conversation.messages[0].content
        assert text == f"{question.case.query}\nAuthentication information: appid={MASK}"
        assert {gold.arguments["appid"] for gold in question.case.golds} == {MASK}


def test_broken_golds_are_repaired():
    found = {case.id: case for case in cases()}
    golds = [found[f"CurrencyBeacon/{i}"].golds[0].arguments["symbols"] for i in (4, 8, 9, 10)]
    assert golds == [["EUR", "GBP"], ["EUR", "GBP", "JPY"], "JPY", "EUR"]


def test_keys_of_the_published_file_do_not_matter(tmp_path):
    """The published file has real keys and broken golds; undone and done it is the same file."""
    path = shared(DATA) / "data" / FILE
    expected = read_toolalpaca(path.parent)
    text = path.read_text("utf-8")
    assert text.count('\\"appid\\": \\"***\\"') > 5 and text.count('\\"symbols\\": [') >= 2
    text = text.replace('\\"appid\\": \\"***\\"', '\\"appid\\": \\"ABC-DEF\\"')
    text = text.replace('\\"symbols\\": [\\"EUR\\", \\"GBP\\"]', '\\"symbols\\": \\"symbols\\": '
                        '[\\"EUR\\", \\"GBP\\"]')  # fmt: skip
    (tmp_path / FILE).write_text(text, "utf-8")
    assert '\\"symbols\\": \\"symbols\\":' in text and read_toolalpaca(tmp_path) == expected


@pytest.mark.parametrize(
    "change",
    [
        lambda apis: apis[0]["Instructions"].pop(),
        lambda apis: apis[0]["Golden_Answers"][0][0].update(Action="x"),
        lambda apis: apis[0]["Golden_Answers"][0][0].update(Action_Input="{"),
        lambda apis: apis[0].pop("Name"),
        lambda apis: apis.pop(),
        lambda apis: apis.clear(),
    ],
)
def test_an_altered_file_is_refused(tmp_path, change):
    apis = json.loads((shared(DATA) / "data" / FILE).read_text("utf-8"))
    change(apis)
    (tmp_path / FILE).write_text(json.dumps(apis))
    with pytest.raises(InputError, match="eval_real.json: is not the published file.*18906999") as e:
        read_toolalpaca(tmp_path)
    assert "\n" not in str(e.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="has no eval_real.json.*ToolAlpaca.*18906999"):
        read_toolalpaca(tmp_path)
