"""eval.py end to end on the tool world, with scripted models: the numbers are known beforehand."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import eval as evaluation
from tests.scripted import Generations
from tl import InputError
from tl.bench.tool_world import opening
from tl.calls.parse import format_call
from tl.calls.schema import Call, Message
from tl.data.encode import Encoder
from tl.data.tokenizer import load_tokenizer
from tl.dialects import get_dialect
from tl.world.case_sets import FILES, MULTI, read_sets
from tl.world.heldout import CASES

LIMIT = 12


class Scripted:
    """Stands in for `eval.Model`. policy: (set, case, turn) -> what is said."""

    def __init__(self, policy, args, positions=4096):
        self.tokenizer = load_tokenizer(evaluation.WORLD_MODEL)
        self.encoder = Encoder(self.tokenizer, get_dialect(args.dialect))
        self.positions, self.eos_ids = positions, [self.tokenizer.eos_id]
        self.sizes, self.texts = [], {}
        folder = Path(args.data or Path(args.output_dir) / "data")
        for name, cases in read_sets(folder, args.sets or list(FILES), args.limit).items():
            for case in cases:
                self._learn(name, case, policy)

    def _learn(self, name, case, policy):
        """The prompts as they will come, if every right call gets the teacher's feedback."""
        conversation = opening(case.id, case)
        for turn, step in enumerate(case.steps if name == MULTI else case.steps[:1]):
            prompt = tuple(self.encoder.prompt_ids(conversation))
            self.texts[prompt] = policy(name, case, turn)
            role = "user" if step.call.name == "ask_to_user" else "tool"
            said = (Message("assistant", calls=(step.call,)), Message(role, step.feedback))
            conversation = replace(conversation, messages=conversation.messages + said)

    def begin(self, batch):
        pass

    def longest(self, wanted=None):
        return 256

    def generate(self, prompts, longest=None):
        self.sizes.append(len(prompts))
        texts = [self.texts.get(tuple(prompt), "I am lost.") for prompt in prompts]
        ids = [[*self.tokenizer.encode_segment(f" {text}"), self.eos_ids[0]] for text in texts]
        return Generations(ids, [[0.0] * len(row) for row in ids], [True] * len(ids))


def teacher(name, case, turn):
    return format_call(case.steps[turn].call if name == MULTI else case.golds[0])


def first_tool(name, case, turn):
    return format_call(Call(case.tools[0].name))


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs eval.py with a policy for a model; returns (scores, directory, model)."""

    def start(policy, *flags, directory="eval", positions=4096):
        made = []

        def model(source, args):
            made.append(Scripted(policy, args, positions))
            return made[0]

        monkeypatch.setattr(evaluation, "Model", model)
        folder = tmp_path / directory
        flags = ["--output_dir", str(folder), *flags]
        if "--limit" not in flags:
            flags += ["--limit", str(LIMIT)]
        assert evaluation.main(flags) == 0
        scores = json.loads((folder / "scores.json").read_text())
        return scores, folder, made[0] if made else None

    return start


def singles(scores):
    return [scores["seen"], scores["unseen"], *scores["levels"].values()]


def test_gold_calls_and_the_teacher_are_all_right(run):
    scores, _, _ = run(teacher, "--model", "world", "--limit", str(CASES))
    for numbers in singles(scores):
        assert numbers["all"] == {"n": CASES, "ts": 100.0, "pi": 100.0, "cf": 100.0}
        assert numbers["under_calling"] == numbers["direct"]["over_calling"] == 0
        assert numbers["anatomy"]["n"] == 0
    multi = scores["multi"]
    assert [multi[key] for key in ("n", "va", "de", "ce")] == [CASES, 100.0, 0.0, 0.0]
    assert multi["answer_correct"] == 100.0 and multi["n_answers"] > 0.9 * CASES
    assert multi["n_calls"] > CASES, "several calls in an episode"
    assert {part: of["n"] for part, of in multi["by_tools"].items()} == {"seen": 150, "unseen": 50}
    assert len(multi["by_scenario"]) == len(scores["unseen"]["by_scenario"]) == 7


def test_a_blind_caller_scores_what_the_sets_say(run):
    """The first tool on offer, without arguments: counted from the files."""
    scores, folder, _ = run(first_tool, "--model", "world", "--limit", str(CASES))
    for name, file in FILES.items():
        if name == MULTI:
            continue
        cases = json.loads((folder / "data" / f"{file}.json").read_text())
        needed = [case for case in cases if case["kind"] == "tool"]
        offered = [case["tools"][0]["function"]["name"] for case in needed]
        hits = sum(first in {gold["name"] for gold in case["golds"]}
                   for first, case in zip(offered, needed, strict=True))  # fmt: skip
        empty = sum({"name": first, "arguments": {}} in case["golds"]
                    for first, case in zip(offered, needed, strict=True))  # fmt: skip
        group, _, level = name.partition("/")
        numbers = scores[group][level] if level else scores[group]
        assert numbers["n"] == len(needed) and numbers["ts"] == round(100 * hits / len(needed), 2)
        assert numbers["pi"] == numbers["cf"] == round(100 * empty / len(needed), 2)
    assert scores["multi"]["va"] == 0 and scores["multi"]["de"] > 50


def test_scored_again_without_the_model_it_is_the_same(run, capsys):
    _, first, _ = run(first_tool, "--model", "world")
    told = capsys.readouterr().out
    replies = str(first / "predictions.jsonl")
    flags = ["--model", "world", "--predictions", replies]
    _, again, model = run(first_tool, *flags, directory="again")
    assert model is None, "no model is loaded"
    before, after = (json.loads((each / "scores.json").read_text()) for each in (first, again))
    facts = after.pop("run")
    assert facts["model"] == f"replies of {replies}, scored again"
    assert "that of the run" in facts["sampling"] and "longest reply" not in facts
    assert before.pop("run")["sampling"] == "greedy" and before == after
    assert capsys.readouterr().out.splitlines()[:-1] == told.splitlines()[:-1]
    scores, _, _ = run(first_tool, "--predictions", replies, directory="bare")
    assert scores["seen"]["ts"] == json.loads((first / "scores.json").read_text())["seen"]["ts"]
    assert "words" in scores["run"]["tokens of tool names"]


def test_predictions_stand_in_the_order_of_the_sets(run):
    _, folder, model = run(teacher, "--model", "world", "--batch_size", "5")
    rows = [json.loads(line) for line in (folder / "predictions.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows[:2]] == ["single_seen_0000", "single_seen_0001"]
    assert rows[2 * LIMIT]["id"] == "clean/single_seen_0000"
    assert len(rows) == 8 * LIMIT and set(rows[-1]) == {"id", "turns", "end"}
    seen, clean = rows[:LIMIT], rows[2 * LIMIT : 3 * LIMIT]
    assert [row["text"] for row in seen] == [row["text"] for row in clean]
    assert max(model.sizes) == 5


def test_only_some_sets(run):
    scores, folder, _ = run(teacher, "--model", "world", "--sets", "seen", "levels/heavy")
    assert set(scores) == {"run", "seen", "levels"} and set(scores["levels"]) == {"heavy"}
    assert len((folder / "predictions.jsonl").read_text().splitlines()) == 2 * LIMIT


def test_sets_of_ones_own(run, tmp_path):
    """--data with the files that an earlier run wrote gives the same."""
    first, folder, _ = run(first_tool, "--model", "world", "--seed", "3")
    flags = ["--model", "world", "--data", str(folder / "data")]
    again, _, _ = run(first_tool, *flags, directory="again")
    assert first.pop("run") != again.pop("run") and first == again


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("single_seen", "single_unseen", "the case 'single_seen_00.*' stands twice"),
        ("noise_heavy", "noise_slight", ":1: noise is \"heavy\", expected 'slight'"),
        ("noise_union", "multi", ":1: noise is \"union\", expected 'clean'"),
    ],
)
def test_sets_that_were_mixed_up(run, tmp_path, source, target, message):
    _, folder, _ = run(teacher, "--model", "world", "--limit", "2")
    data = folder / "data"
    (data / f"{target}.json").write_bytes((data / f"{source}.json").read_bytes())
    with pytest.raises(InputError, match=message):
        run(teacher, "--model", "world", "--data", str(data), directory="again")


def test_prompts_that_fill_the_context_are_counted_as_blank(run, capsys):
    scores, _, _ = run(teacher, "--model", "world", "--sets", "seen", "multi", positions=10)
    assert scores["seen"]["decisions"]["tool"]["unreadable"] == scores["seen"]["n"]
    assert scores["multi"]["ends"]["length"] == LIMIT and scores["multi"]["va"] == 0
    assert f"{LIMIT} of {LIMIT} prompts fill the 10 positions" in capsys.readouterr().out


def test_a_reply_that_was_cut_off_is_no_answer(run, monkeypatch):
    """A call counts as soon as it is complete."""

    def cut(self, prompts, longest=None):
        return generate(self, prompts)._replace(finished=[False] * len(prompts))

    generate = Scripted.generate
    monkeypatch.setattr(Scripted, "generate", cut)
    flags = ["--model", "world", "--sets", "seen", "--limit", str(CASES)]
    scores, folder, _ = run(lambda *place: "Hello, hello", *flags)
    assert scores["seen"]["direct"]["right"] == scores["seen"]["under_calling"] == 0
    rows = [json.loads(line) for line in (folder / "predictions.jsonl").read_text().splitlines()]
    assert rows[0] == {"id": "single_seen_0000", "text": " Hello, hello", "cut": True}
    scores, _, _ = run(teacher, *flags, directory="calls")
    assert scores["seen"]["all"]["cf"] == 100


def test_what_an_earlier_run_wrote_stays_where_the_next_one_fails(run, tmp_path, monkeypatch):
    _, folder, _ = run(teacher, "--model", "world", "--limit", "2")
    before = {path.name: path.read_bytes() for path in folder.glob("*.*")}
    (tmp_path / "p.jsonl").write_text("[]")
    with pytest.raises(InputError, match="p.jsonl:1: is a list"):
        run(teacher, "--predictions", str(tmp_path / "p.jsonl"))
    assert {path.name: path.read_bytes() for path in folder.glob("*.*")} == before

    def full(*args):
        raise MemoryError

    monkeypatch.setattr(evaluation, "render_report", full)
    with pytest.raises(MemoryError):
        run(first_tool, "--model", "world", "--limit", "2")
    assert (folder / "scores.json").read_bytes() == before["scores.json"]


def test_mistakes_of_the_user(run, tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        evaluation.main(["--output_dir", str(tmp_path / "x")])
    assert caught.value.code == 2 and "--model: name the model" in capsys.readouterr().err
    with pytest.raises(InputError, match="no line"):
        (tmp_path / "p.jsonl").write_text("")
        run(teacher, "--predictions", str(tmp_path / "p.jsonl"))
    with pytest.raises(InputError, match="cannot be read"):
        run(teacher, "--model", "world", "--predictions", "")
    with pytest.raises(InputError, match="single_seen.json: .*No such file"):
        run(teacher, "--model", "world", "--data", str(tmp_path / "none"))
    with pytest.raises(InputError, match="none: no such directory, expected"):
        evaluation.main(["--model", str(tmp_path / "none"), "--output_dir", str(tmp_path / "x")])
    assert not (tmp_path / "x").exists()
