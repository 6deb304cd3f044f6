"""`--show_examples`: what is learned is marked, and data cannot steer the terminal."""

import re

import pytest

from tests.dialect_cases import write_tokenizer
from tests.micro import WORLD_MODEL
from tests.shared import shared
from tl.calls.schema import Call, Conversation, Message, Tool
from tl.data.encode import Encoder
from tl.data.show import KEY, LEARNED, show
from tl.data.tokenizer import load_tokenizer
from tl.dialects import get_dialect

TOKENIZER = load_tokenizer(WORLD_MODEL)
TOOLS = (Tool("get_time"), Tool("get_weather"))


def example(query: str, feedback: str = "12:00"):
    call = Message("assistant", calls=(Call("get_time"),))
    messages = (Message("user", query), call, Message("tool", feedback), call)
    return Encoder(TOKENIZER, get_dialect("codellama"))(Conversation("s", TOOLS, messages, "s:1"))


def test_key_tokens_carry_their_weight_and_the_end_of_turn_is_marked():
    shown = show([example("Now?")], TOKENIZER, color=False)
    assert shown.count("⏎</s>⟧") == 2 and "get_(" in shown and "time(" in shown


def test_an_erroneous_reply_is_named():
    failed = "get_time() got an unexpected keyword argument 'x'"
    shown = show([example("Now?", failed)], TOKENIZER, color=False)
    assert "[not learned: parameter_hallucination]" in shown and shown.count("⏎</s>⟧") == 1


def learned(shown):
    """(id, weight) of everything below the text."""
    lines = [line for line in shown.splitlines() if line.startswith("learned, id and token: ")]
    found = []
    for line in lines:
        for each in line.removeprefix("learned, id and token: ").split("  "):
            number, _, rest = each.partition(" ")
            if number.isdigit():  # a token of two spaces is no entry
                weight = re.search(r" x([\d.]+)$", rest)
                found.append((int(number), float(weight[1]) if weight else 1.0))
    return found


@pytest.mark.parametrize("name", ["codellama", "hermes", "llama3", "glm4", "qwen_react"])
def test_every_id_that_is_learned_is_shown_with_its_weight(tmp_path, name):
    """Exactly the targets with a weight, in their order; control tokens by name, in the text too."""
    family = {"codellama": "plain", "hermes": "chatml", "qwen_react": "chatml"}.get(name, name)
    tokenizer = load_tokenizer(write_tokenizer(tmp_path, family))
    call = Message("assistant", calls=(Call("get_time"),))
    messages = (Message("user", "Now?"), call, Message("tool", "12:00"),
                Message("assistant", "Noon."))  # fmt: skip
    made = Encoder(tokenizer, get_dialect(name))(Conversation("s", TOOLS, messages, "s:1"))
    shown = show([made], tokenizer, color=False)
    places = made.weights.nonzero().flatten().tolist()
    wanted = [(int(made.targets[i]), float(f"{made.weights[i].item():.3g}")) for i in places]
    assert learned(shown) == wanted and len(wanted) == made.learned
    end = tokenizer.control_name(made.replies[-1].end_of_turn)
    assert end and f"{made.replies[-1].end_of_turn} {end}" in shown
    for token in set(made.input_ids.tolist()):
        if token_name := tokenizer.control_name(token):
            body = shown.split("\nlearned, id")[0]
            extra = body.count(f"⏎{token_name}")
            assert body.count(token_name) - extra == made.input_ids.tolist().count(token)
    marked = "".join(re.findall(r"⟦(.*?)⟧", shown, re.S))
    assert "Noon." in marked and "get" in marked and "12:00" not in marked and end in marked


def test_names_of_control_tokens_of_sentencepiece():
    tokenizer = load_tokenizer(shared("tokenizers/llama2"))
    assert [tokenizer.control_name(i) for i in (1, 2, 300, 31_999, -1, 40_000)] == [
        "<s>", "</s>", None, None, None, None]  # fmt: skip
    assert tokenizer.control_id("</s>") == 2


def test_data_cannot_steer_the_terminal():
    hostile = "a\033[2Jb\x9b31mc\rd\x08e\u202ef"
    plain = show([example(hostile)], TOKENIZER, color=False)
    assert not set(plain) & set("\033\x9b\r\x08\u202e") and "␦" in plain
    coloured = show([example(hostile)], TOKENIZER, color=True)
    assert LEARNED in coloured and KEY in coloured and "\033[2J" not in coloured
