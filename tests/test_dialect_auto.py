"""`--dialect auto`, and SFT, evaluation and agent with a dialect other than the paper's."""

import json

import pytest

from tests.dialect_cases import TEMPLATES, write_tokenizer
from tl import InputError
from tl.dialects import get_dialect

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
