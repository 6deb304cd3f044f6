"""Feedback of published data: the labelled trajectories, tau-bench, RoTBench's histories and the
paper's Table 14.
"""

import json
import re
from collections import Counter

import pytest

from tests.feedback_labels import (
    FAILURE,
    INSTABILITY,
    MISSING,
    NO_PARAMETER,
    NO_TOOL,
    OTHER,
    classify,
)
from tests.shared import shared
from tl.calls.feedback import classify_feedback
from tl.calls.schema import Call


def authors_rule(text: str) -> bool:
    """mae.py's test, restated: a pattern as a substring of the text, both without punctuation."""

    def squeezed(sentence):
        return re.sub("[^\u4e00-\u9fa5^a-z^A-Z^0-9]", "", sentence).lower()

    patterns = [
        "is not defined",
        "positional argument",
        "unexpected keyword",
        "'related_searches'",
        "ConnectionError",
        '"error":',
        "not supported",
        "Invalid API call",
        "Response error",
        "Object of type SerpResults is not JSON serializable",
        "400 Client Error",
        "'error'",
        "slice indices must be integers or None or have an __index__ method",
        "connection error",
    ]
    return any(squeezed(pattern) in squeezed(text) for pattern in patterns)


def labelled_feedback() -> list[tuple[str, Call, str, bool]]:
    """(feedback, call, category or "correct", is_error) for each call of the BFCL trajectories."""
    lines = shared("data/train/bfcl_multi_turn_errors.jsonl").read_text().split("\n")
    labels = [json.loads(line) for line in lines if line]
    category = {(label["id"], label["turn"]): label["category"] for label in labels}
    rows = []
    for record in json.loads(shared("data/train/bfcl_multi_turn_raw.json").read_text()):
        messages = record["conversations"]
        for index, message in enumerate(messages):
            if message["role"] == "function":
                name, arguments = messages[index - 1]["content"].split("\n")
                label = category.get((record["id"], index - 1), "correct")
                call = Call(name, json.loads(arguments))
                wrong = label not in ("correct", "not_error")
                rows.append((message["content"], call, label, wrong))
    return rows


def precision_recall(flags: list[bool], truth: list[bool]) -> tuple[float, float]:
    hits = sum(f and t for f, t in zip(flags, truth, strict=True))
    return hits / sum(flags), hits / sum(truth)


def test_labelled_trajectories(capsys):
    rows = labelled_feedback()
    found = [classify_feedback(text, call) for text, call, _, _ in rows]
    truth = [wrong for *_, wrong in rows]
    ours = precision_recall([kind is not None for kind in found], truth)
    theirs = precision_recall([authors_rule(text) for text, *_ in rows], truth)
    table = Counter(
        (label, kind.value if kind else "all_right")
        for (_, _, label, _), kind in zip(rows, found, strict=True)
    )
    with capsys.disabled():
        print(f"\n{'label':<26}{'classified as':<26}{'calls':>6}")
        for (label, kind), count in sorted(table.items()):
            print(f"{label:<26}{kind:<26}{count:>6}")
        print(f"is_error          precision {ours[0]:.3f}  recall {ours[1]:.3f}")
        print(f"  authors' rule   precision {theirs[0]:.3f}  recall {theirs[1]:.3f}")
    assert len(rows) == 2437 and sum(truth) == 212
    assert ours == (1.0, 1.0)
    assert all(label == kind for label, kind in table if label not in ("correct", "not_error"))


def test_tau_airline():
    seen = Counter()
    lines = shared("data/train/tau_airline_messages.jsonl").read_text().split("\n")
    for line in filter(None, lines):
        for message in json.loads(line)["messages"]:
            if message["role"] == "tool":
                found = classify(message["content"], message["name"])
                seen[message["content"].startswith("Error"), found] += 1
    assert seen == {(True, FAILURE): 73, (False, None): 1091}


# Read by hand: how many of the 133 real ToolEyes feedbacks in RoTBench's Third_Turn are what.
ROTBENCH = {None: 77, NO_TOOL: 8, NO_PARAMETER: 2, MISSING: 7, INSTABILITY: 11, FAILURE: 28}


def test_rotbench_histories():
    found = []
    for item in json.loads(shared("data/rotbench/Data/Third_Turn/clean.json").read_text()):
        turns = item["conversations"]
        for before, turn in zip(turns, turns[1:], strict=False):
            if turn["from"] == "function":
                action, given = re.search(
                    r"Action: (.*)\nAction Input: (.*)\Z", before["value"], re.DOTALL
                ).groups()
                kind = classify(turn["value"], action, json.loads(given))
                found.append((turn["value"], kind))
    assert len(found) == 133
    assert Counter(kind for _, kind in found) == ROTBENCH
    false_alarms = [text for text, kind in found if kind is None and authors_rule(text)]
    assert len(false_alarms) == 8  # research/benchmarks.md 0.7


TABLE_14 = [
    (
        None,
        "random_advice",
        '{"slip": {"id": 52, "advice": "Don’t promise what you can’t deliver."}}',
    ),
    (
        INSTABILITY,
        "get_currency",
        "HTTPSConnectionPool(host=..., port=443): Max retries exceeded with url: ...",
    ),
    (INSTABILITY, "get_exchange_rate", "Invalid API call. Currency codes might be invalid."),
    (INSTABILITY, "google_trends_search", "400 Client Error: Bad Request for url: ..."),
    (FAILURE, "search_country", '{"error": "Response error."}'),
    (FAILURE, "google_trends_search", "'<=' not supported between instances of 'str' and 'int'"),
    (FAILURE, "trends", "‘<=’ not supported between instances of ‘str’ and ‘int’"),
    (FAILURE, "get_nobel_results", "Object of type bytes is not JSON serializable"),
    (NO_TOOL, "google_search", "name google_search if not defined"),
    (NO_TOOL, "google_search", "name 'google_search' is not defined"),
    (
        NO_PARAMETER,
        "get_news_headlines",
        "get_news_headlines() got an unexpected keyword argument ‘sortBy’",
    ),
    (MISSING, "forecast", "forecast() missing 1 required positional argument: aqi"),
    (
        OTHER,
        "analyze_scan",
        '{"error": "Recently completed scan for www.mywebsite.com not found"}',
    ),
]


@pytest.mark.parametrize("expected, name, text", TABLE_14)
def test_table_14(expected, name, text):
    assert classify(text, name) == expected
