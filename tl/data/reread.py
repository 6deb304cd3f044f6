"""A data set read several times, each time with some of its trajectories in other words or with the
parameters of their tools in another order."""

import math
import random
from dataclasses import replace
from typing import NamedTuple

from tl import InputError
from tl.calls.schema import Conversation
from tl.data.conversation import read_conversations
from tl.data.dataset import Dataset
from tl.data.encode import Encoder, Example
from tl.data.other_order import other_order
from tl.data.other_words import OtherWords


class Shares(NamedTuple):
    """Of the trajectories of each reading: in other words, in another order."""

    words: float = 0.0
    order: float = 0.0


def reread(
    dataset: Dataset, encoder: Encoder, shares: Shares, epochs: float, seed: int
) -> Dataset:
    """The data set with a reading of all its examples for each epoch, one behind the other; what is
    changed is drawn anew in each reading. Shares of 0: as it was.

    An example that gets too long stays as it was.
    """
    if not any(shares):
        return dataset
    used = {example.source for example in dataset.examples}
    read = read_conversations(dataset.path, lambda error: None)
    conversations = [conversation for conversation in read if conversation.source in used]
    other_words = OtherWords(conversations if shares.words else [])
    examples, readings = [], math.ceil(epochs)
    for reading in range(readings):
        pairs = zip(dataset.examples, conversations, strict=True)
        for place, (example, conversation) in enumerate(pairs):
            made = conversation
            rng = random.Random(f"{seed} {reading} {place}")
            if rng.random() < shares.words:
                made = other_words(made, rng)
            if rng.random() < shares.order:
                made = other_order(made, rng)
            if made is not conversation:
                example = _encoded(made, encoder) or example
            examples.append(example)
    return replace(dataset, examples=examples, readings=readings)


def _encoded(conversation: Conversation, encoder: Encoder) -> Example | None:
    try:
        return encoder(conversation)
    except InputError:
        return None
