"""`--show_examples`: what is learned is marked, and data cannot steer the terminal."""

from tests.micro import WORLD_MODEL
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
    assert shown.count("⏎") == 2 and "get(" in shown and "time(" in shown


def test_an_erroneous_reply_is_named():
    failed = "get_time() got an unexpected keyword argument 'x'"
    shown = show([example("Now?", failed)], TOKENIZER, color=False)
    assert "[not learned: parameter_hallucination]" in shown and shown.count("⏎") == 1


def test_data_cannot_steer_the_terminal():
    hostile = "a\033[2Jb\x9b31mc\rd\x08e\u202ef"
    plain = show([example(hostile)], TOKENIZER, color=False)
    assert not set(plain) & set("\033\x9b\r\x08\u202e") and "␦" in plain
    coloured = show([example(hostile)], TOKENIZER, color=True)
    assert LEARNED in coloured and KEY in coloured and "\033[2J" not in coloured
