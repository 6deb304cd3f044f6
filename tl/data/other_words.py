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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from keyword import iskeyword
from typing import Any

from tl.calls.schema import Call, Conversation, Message, Tool
from tl.data.entries import Entry
from tl.data.mae import erroneous_calls

# A word with or without its capital; words of capitals, like currencies, are values.
WORD = re.compile(r"(?:(?<![A-Za-z])[A-Za-z]|(?<=[a-z])[A-Z])[a-z]{2,}(?![A-Za-z]*[A-Z]{2})")
COMMON = 0.25  # a word in the tools of more trajectories than these tells little: `get`, `the`
# Schema keywords by what stands behind them.
NAMED_SCHEMAS = ("properties", "$defs", "definitions", "patternProperties")
SCHEMAS = ("items", "additionalProperties", "anyOf", "oneOf", "allOf", "prefixItems", "not")
WRITTEN = ("description", "title", "enum", "const", "default", "examples", "required")

Change = Callable[[str], str]


class OtherWords:
    """Exchanges words of conversations.

    telling: the words that are exchanged, without the plural's s.
    words: for which: of the tools and the requests of all conversations; no names of cities or
        persons, which begin with a capital, and no keywords of Python, which can name nothing.
    """

    def __init__(self, conversations: Sequence[Conversation]):
        told = [_texts_of_tools(each) for each in conversations]
        counts = Counter(stem for texts in told for stem in _stems(texts))
        most = max(1, math.floor(COMMON * len(conversations)))
        self.telling = {stem for stem, count in counts.items() if count <= most}
        lower = {
            word
            for each, texts in zip(conversations, told, strict=True)
            for text in texts + _requests(each)
            for word in WORD.findall(text)
            if word.islower()
        }
        self.words = sorted(
            word for word in lower
            if _stem(word) == word and not iskeyword(word)
            and (word in self.telling or word not in counts)
        )  # fmt: skip

    def __call__(self, conversation: Conversation, rng: random.Random) -> Conversation:
        """The conversation in other words; as it was where the data has too few, or where feedback
        would no longer read as the error that it is.
        """
        made = _changed_conversation(conversation, self._draw(conversation, rng))
        same = erroneous_calls(made) == erroneous_calls(conversation)
        return made if same else conversation

    def entry(self, entry: Entry, rng: random.Random) -> Entry:
        """An entry for reinforcement learning, its right calls in the words of its context."""
        change = self._draw(entry.context, rng)
        golds = tuple(_changed_call(gold, change) for gold in entry.golds)
        return Entry(_changed_conversation(entry.context, change), golds)

    def _draw(self, conversation: Conversation, rng: random.Random) -> Change:
        told = sorted(_stems(_texts_of_tools(conversation)) & self.telling)
        present = _stems(_texts(conversation))
        free = [word for word in self.words if word not in present]
        drawn = rng.sample(free, len(told)) if len(free) >= len(told) else told
        others = dict(zip(told, drawn, strict=True))

        def other(match: re.Match) -> str:
            word = match[0].lower()
            if (stem := _stem(word)) not in others:
                return match[0]
            word = others[stem] + word[len(stem) :]
            return word.capitalize() if match[0][0].isupper() else word

        return lambda text: WORD.sub(other, text)


def _changed_conversation(conversation: Conversation, change: Change) -> Conversation:
    tools = tuple(_changed_tool(tool, change) for tool in conversation.tools)
    messages = tuple(_changed_message(message, change) for message in conversation.messages)
    return replace(conversation, tools=tools, messages=messages)


def _changed_tool(tool: Tool, change: Change) -> Tool:
    schema = _changed_schema(tool.parameters, change)
    return Tool(change(tool.name), change(tool.description), schema)


def _changed_message(message: Message, change: Change) -> Message:
    calls = tuple(_changed_call(call, change) for call in message.calls)
    return replace(message, content=change(message.content), calls=calls)


def _changed_call(call: Call, change: Change) -> Call:
    arguments = _changed_value(call.arguments, change)
    positional = tuple(_changed_value(value, change) for value in call.positional)
    return Call(change(call.name), arguments, positional)


def _changed_schema(schema: Any, change: Change) -> Any:
    """A JSON schema: its keywords stay, the words of its author change."""
    if isinstance(schema, list):
        return [_changed_schema(each, change) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {}
    for key, value in schema.items():
        if key in NAMED_SCHEMAS and isinstance(value, dict):
            value = {change(name): _changed_schema(of, change) for name, of in value.items()}
        elif key in SCHEMAS:
            value = _changed_schema(value, change)
        elif key in WRITTEN:
            value = _changed_value(value, change)
        made[key] = value
    return made


def _changed_value(value: Any, change: Change) -> Any:
    if isinstance(value, dict):
        return {change(key): _changed_value(of, change) for key, of in value.items()}
    if isinstance(value, list):
        return [_changed_value(each, change) for each in value]
    return change(value) if isinstance(value, str) else value


def _texts(conversation: Conversation) -> list[str]:
    """All that is written in a conversation, but for the keywords of schemas."""
    written: list[str] = []

    def listen(text: str) -> str:
        written.append(text)
        return text

    _changed_conversation(conversation, listen)
    return written


def _texts_of_tools(conversation: Conversation) -> list[str]:
    return _texts(replace(conversation, messages=()))


def _requests(conversation: Conversation) -> list[str]:
    return [message.content for message in conversation.messages if message.role == "user"]


def _stem(word: str) -> str:
    """The word without the s of a plural."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and word[-2] != "s" else word


def _stems(texts: Iterable[str]) -> set[str]:
    return {_stem(word.lower()) for text in texts for word in WORD.findall(text)}
