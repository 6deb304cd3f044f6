"""What is read again is not quite the same: shares of the contexts are in other words, and with
tools that need more, drawn anew each time.

What decides then is what is on offer, and not what has been learned by heart of the tools of the
training data.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from tl import InputError
from tl.calls.schema import Conversation
from tl.data.conversation import read_conversations
from tl.data.dataset import Dataset
from tl.data.encode import Encoder, Example
from tl.data.entries import Entry
from tl.data.more_parameters import MoreParameters
from tl.data.other_words import OtherWords


class Shares(NamedTuple):
    """Of the contexts; drawn independently of each other."""

    other_words: float = 0.0
    more_parameters: float = 0.0


class Rereading:
    """Changes conversations and entries; unchanged ones are returned as they are."""

    def __init__(self, conversations: Sequence[Conversation], shares: Shares):
        other_words = OtherWords(conversations if any(shares) else [])
        changes = other_words, MoreParameters(other_words.words)
        self._changes = [pair for pair in zip(shares, changes, strict=True) if pair[0]]

    def __call__(self, conversation: Conversation, rng: random.Random) -> Conversation:
        for share, change in self._changes:
            if rng.random() < share:
                conversation = change(conversation, rng)
        return conversation

    def entry(self, entry: Entry, rng: random.Random) -> Entry:
        for share, change in self._changes:
            if rng.random() < share:
                entry = change.entry(entry, rng)
        return entry


def reread(
    dataset: Dataset, encoder: Encoder, shares: Shares, epochs: float, seed: int
) -> Dataset:
    """The data set with a reading of all its examples for each epoch, one behind the other. Shares
    of 0: as it was.

    An example that gets too long stays as it was.
    """
    if not any(shares):
        return dataset
    used = {example.source for example in dataset.examples}
    read = read_conversations(dataset.path, lambda error: None)
    conversations = [conversation for conversation in read if conversation.source in used]
    rereading, examples, readings = Rereading(conversations, shares), [], math.ceil(epochs)
    for reading in range(readings):
        pairs = zip(dataset.examples, conversations, strict=True)
        for place, (example, conversation) in enumerate(pairs):
            made = rereading(conversation, random.Random(f"{seed} {reading} {place}"))
            examples.append(example if made is conversation else _encoded(made, encoder) or example)
    return replace(dataset, examples=examples, readings=readings)


def _encoded(conversation: Conversation, encoder: Encoder) -> Example | None:
    try:
        return encoder(conversation)
    except InputError:
        return None
