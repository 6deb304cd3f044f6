"""eval.py on the published benchmarks: gold calls as predictions, and a tiny random model that runs
through all of them.
"""

import json
from functools import cache

import pytest

import eval as evaluation
from tests.shared import shared
from tl import InputError
from tl.bench.bfcl import AST
from tl.bench.predictions import render_predictions
from tl.bench.records import AcceptedQuestion, Play
from tl.bench.suites import benchmark_sets
from tl.calls.parse import format_call
from tl.calls.schema import Call
from tl.data.tokenizer import load_tokenizer
from tl.model.config import ModelConfig
from tl.model.hf import init_model
from tl.model.save import save_model

PAPERS = ("toolalpaca", "rotbench", "bfcl", "tooleyes")
DATA = {name: f"data/{name}" for name in PAPERS}


@cache
def sets_of(benchmark, level="clean", limit=None):
    return benchmark_sets(benchmark, str(shared(DATA[benchmark])), None, level, limit)


def gold_rows(sets):
    """predictions.jsonl of someone who knows the answers."""
    rows = []
    for items in sets.values():
        for each in items:
            offered = {tool.name: tool for tool in each.conversation.tools}
            if isinstance(each, Play):
                tool = each.conversation.tools[0]
                call = Call(tool.name, dict.fromkeys(tool.required, "1"))
                finish = Call("finish", {"answer": "Done."})
                rows.append({"id": each.task.id, "end": "finish", "turns": [
                    {"text": format_call(call), "feedback": each.execute(call)},
                    {"text": format_call(finish), "feedback": None}]})  # fmt: skip
            else:
                golds = [gold for gold in each.case.golds if gold.name in offered]
                call = (golds or each.case.golds)[0]
                rows.append({"id": each.conversation.id, "text": format_call(call)})
    return rows


@pytest.fixture
def run(tmp_path, capsys):
    def start(*flags):
        assert evaluation.main(["--output_dir", str(tmp_path / "eval"), *flags]) == 0
        page = (tmp_path / "eval" / "report.html").read_text()
        scores = json.loads((tmp_path / "eval" / "scores.json").read_text())
        return scores, capsys.readouterr().out, page

    return start


def scored(run, tmp_path, benchmark, *flags, level="clean"):
    path = tmp_path / "gold.jsonl"
    path.write_text(render_predictions(gold_rows(sets_of(benchmark, level))))
    return run("--benchmark", benchmark, "--data", str(shared(DATA[benchmark])),
               "--predictions", str(path), *flags)  # fmt: skip


def test_gold_calls_of_rotbench(run, tmp_path):
    scores, out, page = scored(run, tmp_path, "rotbench", "--level", "all", level="all")
    assert set(scores["rotbench"]) == {"clean", "slight", "medium", "heavy", "union"}
    for level, of in scores["rotbench"].items():
        ceiling = 95.24 if level == "heavy" else 92.38
        assert of["n"] == of["official"]["n"] == of["fixed"]["n"] in (105, 210)
        assert of["ts"] == of["cf"] == of["fixed"]["cf"] == 100.0
        assert of["official"]["ts"] == of["official"]["cf"] == ceiling
        assert of["official"]["ceiling"]["cf"] == ceiling
        assert of["under_calling"] == 0 and of["anatomy"]["n"] == 0
        assert len(of["by_scenario"]) == 7
    assert "rotbench/clean, official" in out and "92.38" in out and "92.38" in page


def test_gold_calls_of_bfcl_and_toolalpaca(run, tmp_path):
    scores, out, _ = scored(run, tmp_path, "bfcl")
    of = scores["bfcl"]["exec"]
    assert of["n"] == 240 and of["cf"] == of["first_gold"]["cf"] == 100.0
    assert of["all_calls"]["cf"] == 62.5 and of["all_calls"]["ceiling"]["cf"] == 100.0
    assert {name: part["n"] for name, part in of["by_category"].items()}["exec_simple"] == 100
    scores, out, _ = scored(run, tmp_path, "toolalpaca")
    of = scores["toolalpaca"]
    assert (of["n"], of["ts"], of["cf"]) == (114, 95.61, 95.61)
    assert of["first_gold"]["ceiling"]["ts"] == 94.74


def test_a_player_of_tooleyes(run, tmp_path):
    scores, out, page = scored(run, tmp_path, "tooleyes")
    of = scores["tooleyes"]
    assert (of["n"], of["va"], of["de"], of["ce"]) == (382, 100.0, 0.0, 0.0)
    assert "feedback that stands in the replies" in scores["run"]["tooleyes"]
    assert "feedback that stands in the replies" in page


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    directory = tmp_path_factory.mktemp("model")
    config = json.loads((evaluation.WORLD_MODEL / "config.json").read_text())
    config |= {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1,
               "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 16,
               "max_position_embeddings": 8192}  # fmt: skip
    save_model(init_model(ModelConfig.from_hf(config), 0), directory)
    for path in load_tokenizer(evaluation.WORLD_MODEL).files:
        (directory / path.name).write_bytes(path.read_bytes())
    return directory


@pytest.mark.parametrize(
    ("benchmark", "flags", "count"),
    [("rotbench", (), 2), ("rotbench", ("--level", "all"), 10), ("bfcl", (), 2),
     ("rotbench", ("--sets", "first", "third", "--level", "union"), 4),
     ("toolalpaca", (), 2), ("tooleyes", ("--max_new_tokens", "2"), 2)],
)  # fmt: skip
def test_a_tiny_random_model_runs_from_end_to_end(run, model, tmp_path, benchmark, flags, count):
    data = str(shared(DATA[benchmark]))
    scores, out, _ = run("--model", str(model), "--benchmark", benchmark, "--data", data,
                         "--limit", "2", "--max_new_tokens", "4", *flags)  # fmt: skip
    lines = (tmp_path / "eval" / "predictions.jsonl").read_text().splitlines()
    ids = [json.loads(line)["id"] for line in lines]
    assert len(set(ids)) == count and "fill" not in out
    assert ("simulated" in scores["run"].get("tooleyes", "")) == (benchmark == "tooleyes")
    again, _, _ = run("--model", str(model), "--benchmark", benchmark, "--data", data, "--limit",
                      "2", *flags, "--predictions", str(tmp_path / "eval" / "predictions.jsonl"))  # fmt: skip
    assert again.pop("run")["benchmark"] == scores.pop("run")["benchmark"] == benchmark
    assert again == scores


def test_all_of_them_in_one_run(run, model, tmp_path):
    """The tables of the paper, with what was measured in the first row."""
    root = str(shared("data"))
    flags = ("--benchmark", "all", "--data_root", root, "--limit", "2")
    scores, out, page = run("--model", str(model), *flags, "--max_new_tokens", "4")
    assert set(scores) == {"run", *PAPERS, "paper"}
    rows = [json.loads(line) for line in (tmp_path / "eval" / "predictions.jsonl").open()]
    assert [row["id"].partition("/")[0] for row in rows] == [n for n in PAPERS for _ in range(2)]
    assert len({row["id"] for row in rows}) == 8
    assert set(scores["paper"]) == {"source", *PAPERS}
    assert scores["paper"]["bfcl"]["GPT-4o"] == {"ts": 96.67, "pi": 93.75, "cf": 74.58}
    for number, columns, models in ((3, 9, 11), (4, 3, 10)):
        lines = out.split(f"beside the paper's Table {number}, %")[1].split("\n\n")[0].splitlines()
        assert lines[1].startswith("measured ") and len(lines[1].split()) == 1 + columns
        printed = [line for line in lines if line.startswith("paper: ") and "arXiv" not in line]
        assert len(printed) == models
    assert "Beside the paper" in page and "paper: TL-CodeLLaMA-2" in page and "75.56?" in page
    assert "mmlu: absent" in out and "mmlu: absent" in scores["run"]["left out"]


def test_ids_are_the_upstream_ones_where_they_can_be():
    assert sets_of("rotbench")["rotbench/clean"][0].conversation.id.startswith("Turn 1: What is")
    several = sets_of("rotbench", "all")
    assert several["rotbench/heavy"][0].case.id.startswith("heavy/Turn 1: What is")
    assert sets_of("toolalpaca")["toolalpaca"][0].case.id == "Nager.Date/0"
    assert sets_of("bfcl")["bfcl/exec"][0].case.id == "exec_simple_0"


def test_syntax_trees(run, tmp_path, monkeypatch):
    """With files of our own: those of the leaderboard do not lie beside the repository."""
    function = {"name": "g", "parameters": {"type": "dict", "properties": {
        "a": {"type": "integer"}}, "required": ["a"]}}  # fmt: skip

    def questions(folder, category):
        from tl.bench.bfcl import _conversation

        row = {"id": category, "question": [[{"role": "user", "content": "?"}]],
               "function": [function]}  # fmt: skip
        return [AcceptedQuestion(_conversation(row, category), category, ({"g": {"a": [1]}},))]

    monkeypatch.setattr("tl.bench.suites.read_ast", questions)
    rows = [{"id": name, "text": text} for name, text in zip(
        AST, ("g(a=1)", "g(a=2)", "g(a=1)", "Hello."), strict=True)]  # fmt: skip
    path = tmp_path / "p.jsonl"
    path.write_text(render_predictions(rows))
    scores, out, page = run("--benchmark", "bfcl", "--data", "x", "--sets", *AST,
                            "--predictions", str(path))  # fmt: skip
    assert {name: of["ast"] for name, of in scores["bfcl"].items()} == {
        "simple": 100.0, "multiple": 0.0, "parallel": 100.0, "parallel_multiple": 0.0}  # fmt: skip
    assert "bfcl/simple" in out and "Syntax trees" in page


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--benchmark", "rotbench"), "--data: --benchmark rotbench needs the folder"),
        (("--benchmark", "bfcl", "--data", "x"), "--data x: has no BFCL_v3_exec_simple.json"),
        (("--benchmark", "bfcl", "--data", "x", "--sets", "third"), "bfcl has no such set"),
        (("--sets", "third"), "--sets third: the world has no such set"),
        (("--benchmark", "tooleyes", "--data", ""), "has no Test_Data/scenario_data_zero"),
    ],
)
def test_mistakes_of_the_user(tmp_path, flags, message):
    with pytest.raises(InputError, match=message) as caught:
        evaluation.main(["--model", "world", "--output_dir", str(tmp_path / "o"), *flags])
    assert "\n" not in str(caught.value) and not (tmp_path / "o").exists()
