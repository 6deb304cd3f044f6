"""`--dialect auto`, and SFT, evaluation and agent with a dialect other than the paper's."""

import json

import pytest

import eval as evaluation
import train_sft
from tests.dialect_cases import FAMILY, TEMPLATES, write_tokenizer
from tests.micro import CONFIG, write_data
from tl import InputError
from tl.agent.__main__ import main as chat_main
from tl.data.tokenizer import load_tokenizer
from tl.dialects import FIXED, get_dialect
from tl.model.config import ModelConfig
from tl.model.hf import init_model, save_model
from tl.run.log import read_metrics

CHAT = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_that_can_write_calls_is_used(tmp_path, name):
    template, family, *_ = TEMPLATES[name]
    directory = write_tokenizer(tmp_path, family, template)
    assert get_dialect("auto", directory).name == "chat_template"


@pytest.mark.parametrize(
    "family, template, expected",
    [
        ("plain", None, "codellama"),
        ("chatml", None, "hermes"),
        ("chatml", CHAT, "qwen_react"),  # Qwen-2's template knows no tools
        ("llama3", None, "llama3"),
        ("glm4", None, "glm4"),
    ],
)
def test_without_one_the_control_tokens_tell_the_family(tmp_path, family, template, expected):
    assert get_dialect("auto", write_tokenizer(tmp_path, family, template)).name == expected


def test_without_a_model_it_is_the_papers():
    assert get_dialect("auto").name == "codellama"


def test_what_was_trained_here_goes_first_also_for_checkpoints(tmp_path):
    template, family, *_ = TEMPLATES["qwen2.5"]
    run = write_tokenizer(tmp_path, family, template)
    step = write_tokenizer(tmp_path / "checkpoint-5", family, template)
    (run / "train_args.json").write_text(json.dumps({"dialect": "react"}))
    assert get_dialect("auto", run).name == get_dialect("auto", step).name == "react"


def test_broken_flags_are_refused_by_name(tmp_path):
    (tmp_path / "train_args.json").write_text("{")
    with pytest.raises(InputError, match=r"train_args\.json: no valid JSON .* name the --dialect"):
        get_dialect("auto", tmp_path)


def test_an_unknown_dialect_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="--dialect x: unknown, expected one of: codellama, react"):
        get_dialect("x")


# --- the commands

NAMES = [*FIXED, "chat_template"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data") / "raw_data.json", trajectories=3)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_trained_and_used_in_a_dialect(data, tmp_path, name):
    template = TEMPLATES["qwen2.5"][0] if name == "chat_template" else None
    model = write_tokenizer(tmp_path / "model", FAMILY.get(name, "chatml"), template)
    vocabulary = load_tokenizer(model).vocab_size
    config = {"vocab_size": vocabulary, "max_position_embeddings": 16384}
    save_model(init_model(ModelConfig.from_hf(CONFIG | config), seed=1), model)
    asked = "auto" if template else name
    flags = {"--model": model, "--data": data, "--output_dir": tmp_path / "sft", "--dialect": asked,
             "--max_steps": 4, "--learning_rate": 0.01}  # fmt: skip
    assert train_sft.main([str(each) for pair in flags.items() for each in pair]) == 0
    told = json.loads((tmp_path / "sft" / "train_args.json").read_text())
    assert told["dialect"] == name
    metrics = read_metrics(tmp_path / "sft" / "metrics.jsonl")
    assert metrics[4]["loss"] < metrics[1]["loss"]

    flags = ["--model", tmp_path / "sft", "--output_dir", tmp_path / "eval", "--limit", 1]
    flags += ["--sets", "seen", "--max_new_tokens", 4]
    assert evaluation.main([str(flag) for flag in flags]) == 0
    scores = json.loads((tmp_path / "eval" / "scores.json").read_text())
    assert scores["run"]["dialect"] == name

    flags = ["--model", tmp_path / "sft", "--tools", "world", "--offer", "get_route", "--query", "?"]
    assert chat_main([str(flag) for flag in [*flags, "--max_new_tokens", 4]]) == 0
