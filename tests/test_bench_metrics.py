"""TS, PI, CF and what was decided: against hand-made verdicts, a plain restatement of the rules,
and counted expectations.
"""

import itertools
import random
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from tests.strategies.bench import DIALOGUE, cases, predictions, scored
from tl.bench.metrics import judge, percent, score_single
from tl.bench.records import ASK, FINISH, Case, Prediction
from tl.calls.schema import Call, Tool


def tool(name: str, *parameters: str) -> Tool:
    properties = {parameter: {"type": "string"} for parameter in parameters}
    return Tool(name, "", {"properties": properties, "required": list(parameters)})


OFFERED = (tool("search", "query", "limit"), tool("search_web", "query"), tool("now"), *DIALOGUE)
GOLDS = (Call("search", {"query": "tea", "limit": 3}), Call("search_web", {"query": "tea"}))
SEARCH = Case("a", "Find tea.", OFFERED, GOLDS)
NOW = Case("b", "What time is it?", OFFERED, (Call("now"),))
QUESTION = Case("c", "Find it.", OFFERED, (Call(ASK, {"question": "What?"}),), "ask")
GREETING = Case("d", "Hello!", OFFERED, (Call(FINISH, {"answer": "Hello."}),), "direct")

# case, call or text, TS PI CF as three letters (y/n), what was done
VERDICTS = [
    (SEARCH, Call("search", {"query": "tea", "limit": 3}), "yyy", "tool"),
    (SEARCH, Call("search", {"limit": 3, "query": "tea"}), "yyy", "tool"),
    (SEARCH, Call("search", {}, ("tea", 3)), "yyy", "tool"),
    (SEARCH, Call("search_web", {"query": "tea"}), "yyy", "tool"),
    (SEARCH, Call("search_web", {"query": "Tea"}), "yyn", "tool"),
    (SEARCH, Call("search", {"query": "tea", "limit": "3"}), "yyn", "tool"),
    (SEARCH, Call("search", {"query": "tea", "limit": True}), "yyn", "tool"),
    (SEARCH, Call("search", {"query": "tea", "limit": 3.0}), "yyy", "tool"),
    (SEARCH, Call("search", {"query": "tea"}), "ynn", "tool"),
    (SEARCH, Call("search", {"query": "tea", "limit": 3, "page": 1}), "ynn", "tool"),
    (SEARCH, Call("Search", {"query": "tea", "limit": 3}), "nnn", "tool"),
    (SEARCH, Call("now"), "nnn", "tool"),
    (SEARCH, Call("made_up"), "nnn", "tool"),
    (SEARCH, Call(ASK, {"question": "Which?"}), "nnn", "ask"),
    (SEARCH, Call(FINISH, {"answer": "tea"}), "nnn", "answer"),
    (SEARCH, "search for tea", "nnn", "answer"),
    (SEARCH, " \n", "nnn", "unreadable"),
    (NOW, Call("now"), "yyy", "tool"),  # the official script has this wrong
    (NOW, Call("now", {"zone": "utc"}), "ynn", "tool"),
    (QUESTION, Call(ASK, {"question": "Which one do you mean?"}), "yyy", "ask"),
    (QUESTION, Call(ASK, {"text": "What?"}), "ynn", "ask"),
    (QUESTION, Call(ASK), "ynn", "ask"),
    (QUESTION, "What do you mean?", "nnn", "answer"),
    (QUESTION, Call("search", {"query": "it", "limit": 3}), "nnn", "tool"),
    (GREETING, Call(FINISH, {"answer": "Good morning!"}), "yyy", "answer"),
    (GREETING, Call(FINISH, {}, ("Good morning!",)), "yyy", "answer"),
    (GREETING, Call(FINISH), "ynn", "answer"),
    (GREETING, "Good morning!", "yyy", "answer"),
    (GREETING, "", "nnn", "unreadable"),
    (GREETING, Call("now"), "nnn", "tool"),
    (GREETING, Call(ASK, {"question": "How are you?"}), "nnn", "ask"),
]


def said(reply: Call | str) -> Prediction:
    return Prediction("...", reply) if isinstance(reply, Call) else Prediction(reply)


def letters(verdict) -> str:
    return "".join("ny"[level] for level in (verdict.ts, verdict.pi, verdict.cf))


@pytest.mark.parametrize(("case", "reply", "levels", "did"), VERDICTS)
def test_verdicts_by_hand(case, reply, levels, did):
    verdict = judge(case, said(reply))
    assert (letters(verdict), verdict.did) == (levels, did)


def test_a_malformed_call_is_no_answer():
    verdict = judge(GREETING, Prediction("now(", malformed=True))
    assert (letters(verdict), verdict.did) == ("nnn", "unreadable")


def test_finish_that_noise_has_renamed():
    """RoTBench's prompt goes on saying "finish", so that word finishes, unless it is a tool."""
    renamed = tool("hsinif", "answer")
    case = Case("a", "Hello!", (tool("now"), renamed), (Call("hsinif", {"answer": "Hello."}),),
                "direct", finish="hsinif")  # fmt: skip
    for name in ("hsinif", "finish"):
        verdict = judge(case, said(Call(name, {"answer": "Good morning!"})))
        assert (letters(verdict), verdict.did) == ("yyy", "answer")
    exchanged = replace(case, tools=(tool("finish"), renamed))
    verdict = judge(exchanged, said(Call("finish", {"answer": "Good morning!"})))
    assert (letters(verdict), verdict.did) == ("nnn", "tool")


def test_the_closest_gold_is_the_one_that_is_compared():
    verdict = judge(SEARCH, said(Call("search_web", {"query": "Tea"})))
    assert verdict.gold is GOLDS[1] and verdict.diff.wrong == ("query",)


def test_counts_by_hand():
    """Five tool cases (right, PI, TS, text, question), two questions, three greetings."""
    told = [
        (SEARCH, GOLDS[0]), (SEARCH, Call("search_web", {"query": "Tea"})),
        (NOW, Call("now", {"zone": "utc"})), (NOW, "It is late."),
        (NOW, Call(ASK, {"question": "Where?"})),
        (QUESTION, Call(ASK, {"question": "Which?"})), (QUESTION, Call("now")),
        (GREETING, "Hello."), (GREETING, Call("now")), (GREETING, Call(ASK, {"question": "?"})),
    ]  # fmt: skip
    scores = score_single([case for case, _ in told], [said(reply) for _, reply in told])
    assert {key: scores[key] for key in ("n", "ts", "pi", "cf", "under_calling")} == {
        "n": 5, "ts": 60.0, "pi": 40.0, "cf": 20.0, "under_calling": 40.0,
    }  # fmt: skip
    assert scores["ask"] == {"n": 2, "right": 50.0, "over_calling": 50.0}
    assert scores["direct"] == {"n": 3, "right": 33.33, "over_calling": 33.33}
    assert scores["all"] == {"n": 10, "ts": 50.0, "pi": 40.0, "cf": 30.0}
    assert scores["decisions"]["tool"] == {
        "n": 5, "tool": 3, "ask": 1, "answer": 1, "unreadable": 0,
    }  # fmt: skip


def test_splits_are_counted_on_their_own():
    parted = [
        Case(str(i), "?", OFFERED, GOLDS, splits={"scenario": part, "set": "one"})
        for i, part in enumerate(["TG", "RS", "TG"])
    ]
    replies = [said(GOLDS[0]), said("no"), said("no")]
    scores = score_single(parted, replies)
    assert scores["by_scenario"] == {
        "RS": {"n": 1, "ts": 0.0, "pi": 0.0, "cf": 0.0},
        "TG": {"n": 2, "ts": 50.0, "pi": 50.0, "cf": 50.0},
    }
    assert "by_set" not in scores, "a split with one part says nothing new"


def test_nothing_has_no_rate():
    assert score_single([], [])["cf"] is None and percent(0, 0) is None


def restated(case: Case, prediction: Prediction) -> tuple[bool, bool, bool]:
    """RoTBench's three loops over the golds, written down plainly; values here are of few types."""
    call = prediction.call
    if call is None:
        plain = bool(prediction.text.strip()) and not prediction.malformed
        return (case.kind == "direct" and plain,) * 3
    order = next((t.parameter_names for t in case.tools if t.name == call.name), [])
    given = dict(zip(order, call.positional, strict=False)) | call.arguments
    fits = len(call.positional) <= len(order)
    ts = pi = cf = False
    for gold in case.golds:
        if gold.name == call.name:
            ts = True
            if fits and set(gold.arguments) == set(given):
                pi = True
                if gold.name in (FINISH, ASK) or repr(sorted(gold.arguments.items())) == repr(
                    sorted(given.items())
                ):
                    cf = True
    return ts, pi, cf


@given(st.data())
def test_the_rules_restated(data):
    case = data.draw(cases())
    prediction = data.draw(predictions(case))
    verdict = judge(case, prediction)
    assert (verdict.ts, verdict.pi, verdict.cf) == restated(case, prediction)
    assert verdict.ts >= verdict.pi >= verdict.cf


@given(scored())
def test_tool_selection_bounds_the_others(pair):
    scores = score_single(*pair)
    groups = [scores, scores["all"], *scores.get("by_scenario", {}).values()]
    for group in groups:
        if group["n"]:
            assert 100 >= group["ts"] >= group["pi"] >= group["cf"] >= 0


@given(scored(), st.randoms(use_true_random=False))
def test_order_does_not_matter(pair, rng):
    """Of cases, of golds, of arguments."""
    both = list(zip(*pair, strict=True))
    rng.shuffle(both)
    mixed = []
    for case, prediction in both:
        golds = rng.sample(case.golds, len(case.golds))
        call = prediction.call
        if call is not None:
            arguments = dict(rng.sample(list(call.arguments.items()), len(call.arguments)))
            prediction = Prediction(prediction.text, Call(call.name, arguments, call.positional))
        case = Case(case.id, case.query, case.tools, tuple(golds), case.kind, case.splits)
        mixed.append((case, prediction))
    assert score_single([c for c, _ in mixed], [p for _, p in mixed]) == score_single(*pair)


@given(scored(), st.randoms(use_true_random=False))
def test_gold_fed_back_is_all_right(pair, rng):
    made, _ = pair
    scores = score_single(made, [said(rng.choice(case.golds)) for case in made])
    assert scores["all"] == {"n": len(made), "ts": 100.0, "pi": 100.0, "cf": 100.0}
    assert scores["under_calling"] in (0.0, None)
    for kind in ("ask", "direct"):
        assert scores[kind]["over_calling"] in (0.0, None)
        assert scores[kind]["right"] in (100.0, None)


@given(st.lists(cases(kinds=("tool",)), min_size=1, max_size=4))
def test_a_random_caller_scores_its_expectation(made):
    """Calls a tool at random with a random subset of its parameters: TS is 1 / tools for every
    name that is right, PI that over 2^parameters for every right subset. Every choice is counted.
    """
    for case in made:
        ts = pi = Fraction(0)
        for each in case.tools:
            subsets = [
                names
                for size in range(len(each.parameter_names) + 1)
                for names in itertools.combinations(each.parameter_names, size)
            ]
            chance = Fraction(1, len(case.tools) * len(subsets))
            for names in subsets:
                verdict = judge(case, said(Call(each.name, dict.fromkeys(names, object.__name__))))
                ts, pi = ts + chance * verdict.ts, pi + chance * verdict.pi
        right = {gold.name for gold in case.golds}
        assert ts == Fraction(len(right), len(case.tools))
        sizes = {t.name: 2 ** len(t.parameter_names) for t in case.tools}
        keys = {(gold.name, frozenset(gold.arguments)) for gold in case.golds}
        expected = sum(Fraction(1, sizes[name]) for name, _ in keys) / len(case.tools)
        assert pi == expected


def test_a_random_caller_over_a_whole_set():
    """The same through score_single: as many draws as there are tools, each tool once."""
    rng = random.Random(0)
    made = [
        Case(str(i), "?", tuple(tool(f"t{j}") for j in range(5)), (Call(f"t{rng.randrange(5)}"),))
        for i in range(20)
    ]
    every = [(case, said(Call(each.name))) for case in made for each in case.tools]
    scores = score_single([case for case, _ in every], [reply for _, reply in every])
    assert (scores["n"], scores["ts"], scores["cf"]) == (100, 20.0, 20.0)


def test_the_strategies_make_what_they_are_for():
    def some(condition):
        found = settings(phases=[Phase.generate], max_examples=2000, derandomize=True)
        return find(scored(), condition, settings=found)

    def verdicts(pair):
        return [judge(case, reply) for case, reply in zip(*pair, strict=True)]

    some(lambda pair: any(v.ts and not v.pi for v in verdicts(pair)))
    some(lambda pair: any(v.pi and not v.cf for v in verdicts(pair)))
    some(lambda pair: any(v.cf and len(c.golds) > 1 and v.gold is not c.golds[0]
                          for c, v in zip(pair[0], verdicts(pair), strict=True)))  # fmt: skip
    some(lambda pair: {v.did for v in verdicts(pair)} >= {"ask", "answer", "unreadable"})
    some(lambda pair: any(r.call and r.call.positional for r in pair[1]))
