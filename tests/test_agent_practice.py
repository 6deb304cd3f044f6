"""What replies earn while they are practised."""

import torch

from tests.micro import write_model
from tl.agent.practice import Player, judge
from tl.calls.schema import Call, Conversation, Message, Tool
from tl.data.entries import Entry
from tl.data.tokenizer import load_tokenizer
from tl.dialects import get_dialect
from tl.model.hf import load_model

NOTHING = {"type": "object", "properties": {}}
TOOLS = (Tool("now", "The time.", NOTHING), Tool("ask_to_user"), Tool("finish"))


def entry(gold):
    return Entry(Conversation("1", TOOLS, (Message("user", "Hello"),)), (gold,))


def test_a_call_where_none_is_needed_costs_more(tmp_path):
    """But never more than saying nothing: a reply that is no call would be the way out."""
    directory = write_model(tmp_path / "model")
    player = Player(
        load_model(directory), load_tokenizer(directory), get_dialect("codellama"), cost=0.75,
        source="model", max_new_tokens=4, temperature=1.0, copies=1, cut_reward=-2.0,
        dtype=torch.float32,
    )  # fmt: skip
    greeting, question = entry(Call("finish", {"answer": "Hello."})), entry(Call("now"))
    for reply, cost in (
        ("now()", 0.5), ("later()", 0), ("finish(answer = 'Hello.')", 0), ("now(", 0),
        ("finish(answer = 'Bye.')", 0), ("ask_to_user(question = 'What?')", 0), ("Hello.", 0),
    ):  # fmt: skip
        assert player._judge(greeting)(reply) == judge(greeting)(reply) - cost
        assert player._judge(question)(reply) == judge(question)(reply)
    assert player._judge(greeting)("now()") == -2 and judge(question)("now()") == 1
