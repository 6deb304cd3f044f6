"""RoTBench: the reader of the published files, and both ways of scoring.

The verdicts of the published script on 10,000 damaged golds are committed
(`tests/make_rotbench_goldens.py` made them); its rules stand here once more, written differently.
"""

import json
from collections import Counter
from functools import cache

import pytest

from tests import perturb_rotbench as perturb
from tests.make_rotbench_goldens import FILES, GOLDENS, digest, load_files
from tests.shared import shared
from tl import InputError
from tl.bench.metrics import judge
from tl.bench.records import Prediction
from tl.bench.rotbench import LEVELS, TURNS, official, questions_of, read_rotbench
from tl.bench.rotbench_rules import Said, level_reached, read_raven, read_react
from tl.calls.parse import format_call
from tl.calls.schema import Call
from tl.dialects import get_dialect

OWN = questions_of(perturb.ITEMS, "own")


@cache
def goldens():
    return json.loads(GOLDENS.read_text("utf-8"))


def reading(reply, tools):
    return read_raven(reply.text, reply.version, tools) if reply.version else read_react(reply.text)


def ours(reply, case):
    """The verdict of our rules, as the table writes it."""
    golds = [Said(gold.name, gold.arguments) for gold in case.golds]
    return str(level_reached(reading(reply, case.tools), golds, case.tools))


# --- the rules once more


def restated(text, item):
    """TS, PI and CF of a ReAct reply from the upstream item: three separate walks over the golds."""
    if not text[text.find("Action:") + 8 : text.find("Action Input:")]:
        return "0"
    name = text[text.find("Action:") + 8 : text.find("Action Input:")]
    name = name[:-1] if name.endswith("\n") else name
    try:
        given = json.loads(text[text.find("Action Input:") + 14 :])
    except ValueError:
        return "0"
    if not isinstance(given, dict) or len(given) == 0:
        return "0"
    offered = [tool["name"] for tool in perturb.tools_of(item)]
    golds = perturb.golds_of(item)
    means_last = name == "finish" and any(n == offered[-1] for n, _ in golds)
    if means_last:  # golds in front of the renamed one are compared with the word itself
        place = [n for n, _ in golds].index(offered[-1])
        same = [g for i, g in enumerate(golds) if g[0] == ("finish" if i < place else offered[-1])]
    else:
        same = [g for g in golds if g[0] == name]
    if not same:
        return "0"
    if all(set(gold) != set(given) for _, gold in same):
        return "1"
    gone = set()
    for gold_name, gold in same:
        if set(gold) != set(given) - gone:
            continue
        gone |= {key for key in gold if gold[key] == "None"}
        talk = gold_name in (*offered[-2:], "finish", "ask_to_user")
        if talk or all(gold[key] == given[key] for key in set(given) - gone):
            return "3"
    return "2"


def test_our_own_items_are_scored_as_the_published_script_does():
    rows = goldens()["own"]
    for index, version, text, verdict in rows:
        reply = perturb.Reply("own", index, version, text)
        assert ours(reply, OWN[index].case) == verdict.replace("E", "0"), (text, verdict)
        if version == 0:
            assert restated(text, perturb.ITEMS[index]) == verdict.replace("E", "0"), text
    found = Counter((version, verdict) for _, version, _, verdict in rows)
    assert {(v, d) for v in (0, 1, 2) for d in "0123"} - {(1, "2")} <= set(found)
    assert min(found[0, d] for d in "0123") >= 10 and found[0, "E"] > 0


def test_10000_damaged_golds_are_scored_as_the_published_script_does():
    files = load_files(shared("data/rotbench/Data"))
    table = goldens()["upstream"]
    replies = perturb.replies(files, table["number"], table["seed"])
    assert digest(replies) == table["replies_sha256"], "the table is of other replies: make it anew"
    cases = {name: [question.case for question in questions_of(files[name], name)]
             for name in FILES}  # fmt: skip
    different = []
    for reply, verdict in zip(replies, table["verdicts"], strict=True):
        expected = verdict.replace("E", "0")
        if ours(reply, cases[reply.file][reply.index]) != expected:
            different.append((reply, verdict))
        if reply.version == 0 and restated(reply.text, files[reply.file][reply.index]) != expected:
            different.append((reply, verdict, "restated"))
    assert not different, (len(different), different[:3])
    counts = Counter(table["verdicts"])
    assert len(replies) == 10_000 and min(counts[d] for d in "0123") > 300 and counts["E"] < 200
    assert Counter(reply.version for reply in replies).keys() == {0, 1, 2}


# --- single rules, on calls that anyone can check


@pytest.mark.parametrize(
    ("index", "text", "level"),
    [
        (0, 'Action: add\nAction Input: {"a": "1", "b": "2"}', 3),
        (0, 'Action: add \nAction Input: {"a": "1", "b": "2"}', 0),  # the space belongs to the name
        (0, 'Action: add\nAction Input: {"a": 1, "b": "2"}', 2),
        (0, 'Action: add\nAction Input: {"a": "1"}', 1),
        (0, 'The Action: is\nAction: add\nAction Input: {"a": "1", "b": "2"}', 0),
        (1, "Action: now\nAction Input: {}", 0),  # the rule that costs the golds 7.62 points
        (2, 'Action: weather\nAction Input: {"city": "Oslo", "unit": "K"}', 3),  # "None" is any
        (2, 'Action: weather\nAction Input: {"city": "Oslo"}', 2),  # and has to be given
        (5, 'Action: finish\nAction Input: {"answer": "no"}', 3),  # the last tool, by its old name
        (5, 'Action: ask_to_user\nAction Input: {"question": "?"}', 0),  # not so the one before
        (7, 'Action: two\nAction Input: {"a": "1", "b": "z"}', 2),  # the first gold took "a" away
    ],
)
def test_rules(index, text, level):
    case = OWN[index].case
    assert official(case, Prediction(text), "react") == level


def test_what_differs_in_the_fixed_protocol():
    def fixed(index, name, **given):
        call = Call(name, given)
        verdict = judge(OWN[index].case, Prediction(format_call(call), call))
        return verdict.ts + verdict.pi + verdict.cf

    assert fixed(1, "now") == 3
    assert fixed(7, "two", a="1", b="z") == 3
    assert fixed(2, "weather", city="Oslo", unit="K") == 3
    assert fixed(2, "weather", city="Rome", unit="K") == 2
    assert fixed(5, "finish", answer="no") == 3
    assert fixed(6, "finish", answer="no") == 1, "here another tool has the name"


def test_a_call_of_another_dialect_is_scored_by_the_same_rules():
    case = OWN[0].case
    assert official(case, Prediction("add(a='1', b='2')", Call("add", {"a": "1", "b": "2"}))) == 3
    assert official(case, Prediction("add('1', '2')", Call("add", {}, ("1", "2")))) == 3
    assert official(OWN[1].case, Prediction("now()", Call("now"))) == 0
    assert official(case, Prediction("Hello.")) == 0


@pytest.mark.parametrize("text", ["", " ", "Action:", "Action Input:", "x", "(", "Call: ", "{" * 99,
                                  "Call: f(" * 50, "Action: add\nAction Input: " + "[" * 20_000,
                                  "Call: f(" + "(" * 20_000 + ") \nThought:"])  # fmt: skip
def test_no_text_stops_the_scorer(text):
    for question in OWN:
        for dialect in ("react", "raven"):
            assert official(question.case, Prediction(text), dialect) == 0
        read_raven(text, 1, question.case.tools)


# --- the published files


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("level", LEVELS)
def test_the_golds_reach_the_published_ceiling(turn, level):
    questions = read_rotbench(shared("data/rotbench"), level, turn)
    dialect = get_dialect("codellama")
    counts, right = Counter(), 0
    for question in questions:
        text = format_call(question.case.golds[0])
        prediction = Prediction(text, dialect.parse(text).calls[0])
        counts[official(question.case, prediction)] += 1
        right += judge(question.case, prediction).cf
    twice = 2 if level in ("slight", "medium", "heavy") else 1
    assert len(questions) == twice * {"first": 105, "third": 70}[turn]
    assert right == len(questions)
    if turn == "first":
        ceiling = 95.24 if level == "heavy" else 92.38
        assert counts.keys() == {0, 3} and round(100 * counts[3] / len(questions), 2) == ceiling


def test_what_a_question_holds():
    question = read_rotbench(shared("data/rotbench"))[0]
    assert question.case.id == question.conversation.id and question.case.id.startswith("Turn 1: ")
    assert [m.role for m in question.conversation.messages] == ["user"]
    assert question.case.query == question.conversation.messages[0].content
    assert "Begin!" not in question.case.query and question.case.splits == {"scenario": "TG"}
    assert len(question.case.golds) == 2 and question.case.finish == "finish"
    third = read_rotbench(shared("data/rotbench"), "clean", "third")[1].conversation
    assert [m.role for m in third.messages] == ["user", "assistant", "tool", "assistant", "tool"]
    assert third.messages[1].calls[0].arguments["input_text"] == "cat"
    assert third.messages[4].content == "'da'"


def test_cases_that_stand_twice_are_told_apart():
    ids = [question.case.id for question in read_rotbench(shared("data/rotbench"), "heavy")]
    assert len(set(ids)) == 210 and ids[105] == f"{ids[0]} #2"


def test_any_folder_of_a_clone_will_do(tmp_path):
    data = shared("data/rotbench/Data")
    first = read_rotbench(data, "union")
    assert first == read_rotbench(data / "First_Turn", "union") == read_rotbench(data.parent, "union")
    turned = tmp_path / "First_Turn" / "union.json"
    turned.parent.mkdir()
    turned.write_bytes((data / "First_Turn" / "union.json").read_bytes().replace(b"\n", b"\r\n"))
    assert read_rotbench(tmp_path, "union") == first, "git on Windows turns line ends"


def test_a_missing_or_altered_file_is_named_with_its_commit(tmp_path):
    with pytest.raises(InputError, match="has no First_Turn/clean.json.*637e43ae.*clone") as caught:
        read_rotbench(tmp_path)
    assert "\n" not in str(caught.value)
    text = json.dumps(perturb.ITEMS)
    (tmp_path / "clean.json").write_text(text)
    with pytest.raises(InputError, match="clean.json: is not the published file .*637e43ae"):
        read_rotbench(tmp_path)


@pytest.mark.parametrize("items", [{}, [1], [{"id": "x"}], None, [{"id": "x", "conversations": []}]])
def test_other_json_is_refused(items):
    if items == {}:
        assert questions_of(items, "x") == []
        return
    with pytest.raises(InputError, match="is no file of RoTBench"):
        questions_of(items, "x.json")
