"""The same trajectories in other words: who has learned the tools of the training data by heart
finds them no longer, who reads what is on offer does.

    get_stock_price    The present price of a stock.      The price of the stock KPL?
    get_lamp_garden    The present garden of a lamp.      The garden of the lamp KPL?

The words that tell tools from each other (in names, parameters, descriptions, enumerations) are
exchanged for others of the same data, each for the same one everywhere in a trajectory: in
definitions, requests, calls and feedback. What was said in the same word before still is; what
only the meaning of words connects no longer is, hence a share of the trajectories alone. Function
masking (arXiv:2410.04587) replaces names, and with nonsense, for the same reason.
"""

import math
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from keyword import iskeyword
from typing import Any

from tl import InputError
from tl.calls.schema import Call, Conversation, Message, Tool
from tl.data.conversation import read_conversations
from tl.data.dataset import Dataset
from tl.data.encode import Encoder, Example
from tl.data.entries import Entry
from tl.data.mae import erroneous_calls

# A word with or without its capital; words of capitals, like currencies, are values.
WORD = re.compile(r"(?:(?<![A-Za-z])[A-Za-z]|(?<=[a-z])[A-Z])[a-z]{2,}(?![A-Za-z]*[A-Z]{2})")
COMMON = 0.25  # a word in the tools of more trajectories than these tells little: `get`, `the`
# Schema keywords by what stands behind them.
NAMED_SCHEMAS = ("properties", "$defs", "definitions", "patternProperties")
SCHEMAS = ("items", "additionalProperties", "anyOf", "oneOf", "allOf", "prefixItems", "not")
TEXTS = ("description", "title", "enum", "const", "default", "examples", "required")


class OtherWords:
    """Exchanges words of conversations.

    telling: the words that are exchanged, without the plural's s.
    words: for which: of the tools and the requests of all conversations; no names of cities or
        persons, which begin with a capital, and no keywords of Python, which can name nothing.
    """

    def __init__(self, conversations: Sequence[Conversation]):
        told = [set(map(_stem, _words(_tool_texts(each.tools)))) for each in conversations]
        counts = Counter(stem for stems in told for stem in stems)
        most = max(1, math.floor(COMMON * len(conversations)))
        self.telling = {stem for stem, count in counts.items() if count <= most}
        written = [text for each in conversations for text in _told_and_asked(each)]
        lower = {word for text in written for word in WORD.findall(text) if word.islower()}
        self.words = sorted(
            word for word in lower
            if _stem(word) == word and not iskeyword(word)
            and (word in self.telling or word not in counts)
        )  # fmt: skip

    def __call__(self, conversation: Conversation, rng: random.Random) -> Conversation:
        """The conversation in other words; as it was where the data has too few, or where feedback
        would no longer read as the error that it is.
        """
        made = self._draw(conversation, rng).conversation(conversation)
        same = erroneous_calls(made) == erroneous_calls(conversation)
        return made if same else conversation

    def entry(self, entry: Entry, rng: random.Random) -> Entry:
        """An entry for reinforcement learning, its right calls in the words of its context."""
        exchange = self._draw(entry.context, rng)
        context = exchange.conversation(entry.context)
        return Entry(context, tuple(map(exchange.call, entry.golds)))

    def _draw(self, conversation: Conversation, rng: random.Random) -> "_Exchange":
        told = sorted({_stem(w) for w in _words(_tool_texts(conversation.tools))} & self.telling)
        present = {_stem(word) for word in _words(_texts(conversation))}
        free = [word for word in self.words if word not in present]
        drawn = rng.sample(free, len(told)) if len(free) >= len(told) else told
        return _Exchange(dict(zip(told, drawn, strict=True)))


def reread(
    dataset: Dataset, encoder: Encoder, share: float, epochs: float, seed: int
) -> Dataset:
    """The data set with a reading of all its examples for each epoch, one behind the other; in each
    reading a share of the conversations, drawn anew, is in other words. Share 0: as it was.

    An example that gets too long in other words stays as it was.
    """
    if not share:
        return dataset
    used = {example.source for example in dataset.examples}
    read = read_conversations(dataset.path, lambda error: None)
    conversations = [conversation for conversation in read if conversation.source in used]
    other_words, examples, readings = OtherWords(conversations), [], math.ceil(epochs)
    for reading in range(readings):
        pairs = zip(dataset.examples, conversations, strict=True)
        for place, (example, conversation) in enumerate(pairs):
            rng = random.Random(f"{seed} {reading} {place}")
            if rng.random() < share:
                example = _encoded(other_words(conversation, rng), encoder) or example
            examples.append(example)
    return replace(dataset, examples=examples, readings=readings)


def _encoded(conversation: Conversation, encoder: Encoder) -> Example | None:
    try:
        return encoder(conversation)
    except InputError:
        return None


class _Exchange:
    """One exchange of words: stem -> stem."""

    def __init__(self, stems: dict[str, str]):
        self._stems = stems

    def conversation(self, conversation: Conversation) -> Conversation:
        return replace(
            conversation,
            tools=tuple(map(self.tool, conversation.tools)),
            messages=tuple(map(self.message, conversation.messages)),
        )

    def tool(self, tool: Tool) -> Tool:
        schema = self.schema(tool.parameters)
        return Tool(self.text(tool.name), self.text(tool.description), schema)

    def message(self, message: Message) -> Message:
        calls = tuple(map(self.call, message.calls))
        return replace(message, content=self.text(message.content), calls=calls)

    def call(self, call: Call) -> Call:
        positional = tuple(map(self.value, call.positional))
        return Call(self.text(call.name), self.value(call.arguments), positional)

    def schema(self, schema: Any) -> Any:
        """A JSON schema: its keywords stay, the words of its author are exchanged."""
        if isinstance(schema, list):
            return [self.schema(each) for each in schema]
        if not isinstance(schema, dict):
            return schema
        made = {}
        for key, value in schema.items():
            if key in NAMED_SCHEMAS and isinstance(value, dict):
                value = {self.text(name): self.schema(of) for name, of in value.items()}
            elif key in SCHEMAS:
                value = self.schema(value)
            elif key in TEXTS:
                value = self.value(value)
            made[key] = value
        return made

    def value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self.text(key): self.value(of) for key, of in value.items()}
        if isinstance(value, list):
            return [self.value(each) for each in value]
        return self.text(value) if isinstance(value, str) else value

    def text(self, text: str) -> str:
        return WORD.sub(self._word, text)

    def _word(self, match: re.Match) -> str:
        word = match[0]
        stem = _stem(word.lower())
        if stem not in self._stems:
            return word
        other = self._stems[stem] + word.lower()[len(stem) :]
        return other.capitalize() if word[0].isupper() else other


def _stem(word: str) -> str:
    """The word without the s of a plural."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and word[-2] != "s" else word


def _words(texts: Iterable[str]) -> set[str]:
    return {word.lower() for text in texts for word in WORD.findall(text)}


def _told_and_asked(conversation: Conversation) -> Iterator[str]:
    yield from _tool_texts(conversation.tools)
    yield from (message.content for message in conversation.messages if message.role == "user")


def _texts(conversation: Conversation) -> Iterator[str]:
    """All that is written in a conversation."""
    yield from _tool_texts(conversation.tools)
    for message in conversation.messages:
        yield message.content
        for call in message.calls:
            yield call.name
            yield from _strings([call.arguments, call.positional])


def _tool_texts(tools: Iterable[Tool]) -> Iterator[str]:
    """What the authors of tools have written, without the keywords of schemas."""
    written: list[str] = []

    class Listener(_Exchange):
        def text(self, text: str) -> str:
            written.append(text)
            return text

    listener = Listener({})
    for tool in tools:
        listener.tool(tool)
    yield from written


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        value = value.values()
    elif isinstance(value, str):
        yield value
    if not isinstance(value, str | int | float | None):
        for each in value:
            yield from _strings(each)
