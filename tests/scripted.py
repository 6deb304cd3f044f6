"""Stand-ins for a model: what `tl.generate.generate` returns, from a script."""

from typing import NamedTuple

from tl.calls.schema import Conversation, Message
from tl.data.encode import Encoder


class Generations(NamedTuple):
    ids: list[list[int]]
    logprobs: list[list[float]]
    finished: list[bool]


class Script:
    """Says the given replies, one per call, to a single conversation; the last one for ever.

    A reply is a text, or ids; `cut`: without an end of turn.
    """

    def __init__(self, tokenizer, *replies, cut: bool = False):
        self.tokenizer, self.replies, self.cut = tokenizer, list(replies), cut
        self.prompts = []

    def __call__(self, prompts: list[list[int]]) -> Generations:
        (prompt,) = prompts
        self.prompts.append(prompt)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, str):
            reply = self.tokenizer.encode_segment(" " + reply)
        ids = reply if self.cut else [*reply, self.tokenizer.eos_id]
        return Generations([ids], [[0.0] * len(ids)], [not self.cut])


class Playback:
    """Continues a prompt as training records do; a prompt that is in none of them is a KeyError."""

    def __init__(self, encoder: Encoder, conversations: list[Conversation]):
        self.replies, self.sizes = {}, []
        for conversation in conversations:
            example = encoder(conversation)
            ids = example.input_ids.tolist()
            for start, end, *_ in example.replies:
                reply = [*ids[start:end], encoder.tokenizer.eos_id]
                assert self.replies.setdefault(tuple(ids[:start]), reply) == reply

    def __call__(self, prompts: list[list[int]]) -> Generations:
        self.sizes.append(len(prompts))
        ids = [self.replies[tuple(prompt)] for prompt in prompts]
        return Generations(ids, [[0.0] * len(row) for row in ids], [True] * len(ids))


def opening(conversation: Conversation) -> tuple[Message, ...]:
    """What stands before the first reply."""
    roles = [message.role for message in conversation.messages]
    return conversation.messages[: roles.index("assistant")]
