"""`python -m tl.data --analyze`: counted by hand, and against the labels of real trajectories."""

import json
import subprocess
import sys
from collections import Counter

import pytest

from tests.micro import ROOT
from tests.shared import shared
from tl import InputError
from tl.calls.schema import Call, Tool
from tl.data import __main__ as command
from tl.data.analysis import FORBIDDEN, analyze, forbidden_by
from tl.data.conversation import read_conversations

TOOLS = [{"type": "function", "function": {"name": name, "description": "", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}, "day": {"type": "string"}},
    "required": ["city"]}}} for name in ("get_weather", "get_time")]  # fmt: skip
MISSING = "get_weather() missing 1 required positional argument: 'city'"
UNKNOWN = "get_time() got an unexpected keyword argument 'town'"


def record(name, *steps):
    """steps: (tool, arguments, feedback or None)."""
    messages = [{"role": "user", "content": "?"}]
    for number, (tool, arguments, feedback) in enumerate(steps):
        call = {"id": f"c{number}", "type": "function",
                "function": {"name": tool, "arguments": json.dumps(arguments)}}  # fmt: skip
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        if feedback is not None:
            messages.append({"role": "tool", "tool_call_id": f"c{number}", "content": feedback})
    return {"id": name, "messages": messages, "tools": TOOLS}


RECORDS = [
    record("a", ("get_weather", {"city": "Rome"}, "Sunny."), ("get_time", {"city": "Rome"}, None)),
    record("b", ("get_weather", {}, MISSING), ("get_weather", {}, MISSING),
           ("get_time", {"town": "Rome"}, UNKNOWN)),
    record("c", ("get_news", {}, "name 'get_news' is not defined")),
    record("d", ("get_time", {"city": "Rome", "x": 1}, "12:00\x1b[2J")),
]  # fmt: skip


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "data.jsonl"
    file.write_text("".join(json.dumps(each) + "\n" for each in RECORDS), encoding="utf-8")
    return file


def test_counted_by_hand(path):
    found = analyze(read_conversations(path))
    assert (found.trajectories, found.calls, found.answered) == (4, 7, 6)
    assert (found.erroneous.calls, found.erroneous.trajectories) == (4, 2)
    counts = {name: (kind.calls, kind.trajectories) for name, kind in found.feedback.items()}
    assert counts == {"tool_hallucination": (1, 1), "parameter_hallucination": (1, 1),
                      "parameter_missing": (2, 1), "tool_instability": (0, 0),
                      "tool_call_failure": (0, 0), "other_error": (0, 0)}  # fmt: skip
    counts = {name: (kind.calls, kind.trajectories) for name, kind in found.documentation.items()}
    assert counts == {"tool_not_offered": (1, 1), "parameter_undocumented": (2, 2),
                      "parameter_missing": (3, 1)}  # fmt: skip
    assert (found.forbidden.calls, found.forbidden.trajectories) == (5, 3)
    assert (found.silent.calls, found.silent.trajectories) == (1, 1), "the one of d"
    (example,) = found.feedback["parameter_missing"].examples
    assert example == (f"{path}:2: messages[1]", "get_weather()", MISSING)


def test_the_account(path, capsys):
    assert command.main(["--analyze", str(path), "--examples", "1"]) == 0
    out = capsys.readouterr().out
    assert "4 trajectories, 7 calls, 6 of them with feedback" in out
    assert "erroneous trajectories 2 (50.00 %), erroneous calls 4 (66.67 %)" in out
    lines = {" ".join(line.split()) for line in out.splitlines()}
    assert "parameter missing 2 (33.33 %) 1 (25.00 %)" in lines
    assert "of them, not reported by feedback 1 (14.29 %) 1 (25.00 %)" in lines
    assert f"-> {UNKNOWN}" in lines and "\x1b" not in out and "␦" in out
    assert command.main(["--analyze", str(path), "--examples", "0"]) == 0
    assert "->" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("call", "kinds"),
    [
        (Call("f", {"a": 1}), []),
        (Call("f", {"a": 1, "b": 2}), []),
        (Call("f", {}, (1,)), []),
        (Call("f", {"b": 1}), ["parameter_missing"]),
        (Call("f", {"c": 1}), ["parameter_undocumented", "parameter_missing"]),
        (Call("g", {"c": 1}), ["tool_not_offered"]),
    ],
)
def test_what_the_documentation_forbids(call, kinds):
    tool = Tool("f", "", {"properties": {"a": {}, "b": {}}, "required": ["a"]})
    assert forbidden_by(call, [tool]) == kinds and set(kinds) <= set(FORBIDDEN)


def test_the_labels_of_real_trajectories():
    """212 erroneous calls in 173 of 1,018 trajectories, each labelled when it was made."""
    found = analyze(read_conversations(shared("data/train/bfcl_multi_turn_raw.json")))
    labels = [json.loads(line) for line in
              shared("data/train/bfcl_multi_turn_errors.jsonl").open(encoding="utf-8")]  # fmt: skip
    wrong = [label for label in labels if label["is_error"]]
    assert found.trajectories == 1018 and found.answered == 2437
    assert found.erroneous.calls == len(wrong) == 212
    assert found.erroneous.trajectories == len({label["id"] for label in wrong}) == 173
    assert found.silent.calls == 0
    kinds = Counter(label["category"] for label in wrong)
    assert sorted(kinds.values()) == sorted(k.calls for k in found.feedback.values() if k.calls)


def test_mistakes_of_the_user(tmp_path, path, capsys):
    with pytest.raises(SystemExit) as caught:
        command.main([])
    assert caught.value.code == 2 and "--analyze" in capsys.readouterr().err
    with pytest.raises(InputError, match="none.json: .*No such file"):
        command.main(["--analyze", str(tmp_path / "none.json")])
    path.write_text(path.read_text() + '{"id": 1}\n{"id": "x", "messages": []}\n')
    with pytest.raises(InputError, match=r"data.jsonl:5: .*expected one list of messages"):
        command.main(["--analyze", str(path)])
    assert command.main(["--analyze", str(path), "--on_bad_record", "skip"]) == 0
    assert "left out, not usable: 2 records, the first: " in capsys.readouterr().out
    path.write_text('{"id": 1}\n')
    with pytest.raises(InputError, match="no record could be used, 1 were skipped"):
        command.main(["--analyze", str(path), "--on_bad_record", "skip"])


def test_as_a_command(tmp_path):
    argv = [sys.executable, "-m", "tl.data", "--analyze", str(tmp_path / "none.json")]
    ended = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 1 and ended.stdout == ""
    assert ended.stderr.startswith("error: ") and ended.stderr.count("\n") == 1
