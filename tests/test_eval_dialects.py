"""Every benchmark with every dialect, from the files to the report: a tiny random model of each, and
the base model of the tool world.
"""

import json

import pytest

import eval as evaluation
from tests.dialect_cases import TEMPLATES, write_tokenizer
from tests.micro import CONFIG
from tests.shared import shared
from tests.test_general_ability import write_gsm8k, write_humaneval, write_mmlu
from tl.bench.suites import SETS
from tl.data.tokenizer import load_tokenizer
from tl.dialects import DIALECTS
from tl.model.config import ModelConfig
from tl.model.hf import init_model
from tl.model.save import save_model

FAMILIES = {"codellama": "plain", "react": "plain", "raven": "plain", "openai": "plain",
            "glm4": "glm4", "qwen_react": "chatml", "llama3": "llama3", "hermes": "chatml",
            "chat_template": "chatml"}  # fmt: skip


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder with every benchmark: the paper's as they are, general ability in miniature."""
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    for name in ("toolalpaca", "rotbench", "bfcl", "tooleyes"):
        (folder / name).symlink_to(shared(f"data/{name}"))
    write_mmlu(folder / "mmlu")
    write_gsm8k(folder / "gsm8k", monkeypatch)
    write_humaneval(folder / "humaneval", monkeypatch)
    return folder


def evaluate(model, root, output, *flags):
    argv = ["--model", str(model), "--benchmark", "all", "--data_root", str(root), "--limit", "1",
            "--max_new_tokens", "2", "--allow_code_execution", "--output_dir", str(output)]  # fmt: skip
    assert evaluation.main([*argv, *flags]) == 0
    scores = json.loads((output / "scores.json").read_text())
    assert set(scores) == {"run", "paper", *SETS}
    rows = [json.loads(line) for line in (output / "predictions.jsonl").open()]
    assert [row["id"].partition("/")[0] for row in rows] == list(SETS)
    assert (output / "report.html").read_text().endswith("</html>\n")
    return scores, rows


def test_every_dialect_is_tried():
    assert set(FAMILIES) | {"auto"} == set(DIALECTS)


@pytest.mark.parametrize("dialect", FAMILIES)
def test_a_random_model_of_each_dialect(tmp_path, root, dialect, capsys):
    template = TEMPLATES["qwen2.5"][0] if dialect == "chat_template" else None
    directory = write_tokenizer(tmp_path / "model", FAMILIES[dialect], template)
    size = {"vocab_size": load_tokenizer(directory).vocab_size, "max_position_embeddings": 65_536}
    save_model(init_model(ModelConfig.from_hf(CONFIG | size), seed=1), directory)
    scores, rows = evaluate(directory, root, tmp_path / "eval", "--dialect", dialect)
    assert scores["run"]["dialect"] == dialect and "fill" not in capsys.readouterr().out
    assert all(row["text"] for row in rows if "turns" not in row), "everyone was answered"
    assert rows[3]["turns"][0]["text"]


def test_the_base_model_of_the_world(tmp_path, root):
    """Its context is shorter than most prompts, which is said and not hidden."""
    scores, rows = evaluate("world", root, tmp_path / "eval")
    assert scores["run"]["model"] == "world" and scores["mmlu"]["n"] == 1
