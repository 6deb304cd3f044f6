"""The same trajectories with tools that need more: who has learned by heart where the calls of a
tool end stops there, who reads its definition goes on.

    get_weather(city: string)                       Will it rain in Oslo?
    get_weather(city: string, garden: integer)      Will it rain in Oslo? The garden is 14.

Half of the tools on offer get one required parameter more, with a name of words of the same data.
What the calls of a conversation need is said in its first request, and what no call needs now and
then, too: only the definition tells what belongs into a call. The sentences are English.
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from tl.calls.schema import Call, Conversation, Message, Tool
from tl.data.entries import Entry
from tl.data.mae import erroneous_calls
from tl.data.turns import WITHOUT_FEEDBACK

CHANGED = 0.5  # share of the tools
SAID_OF_OTHERS = 1 / 8  # of the tools that are not called: how often their value is said
SAID_FOR_NOTHING = 0.5  # how often something is said that no tool asks for
DESCRIPTIONS = ("The {name}.", "{Name} of it.", "Which {name} it has.", "The {name} to use.")
SENTENCES = (
    "The {name} is {value}.", "{Name}: {value}.", "Take {value} as {name}.", "With {name} {value}.",
    "Use {value} for the {name}.", "{value} is the {name}.",
)  # fmt: skip
CAPITALS = "ABCDEFGHKLMNPRSTUVXYZ"


class Parameter(NamedTuple):
    """A parameter and the value that the request gives it."""

    name: str
    value: int | str

    def written(self, text: str) -> str:
        words = self.name.replace("_", " ")
        return text.format(name=words, Name=words.capitalize(), value=self.value)


class MoreParameters:
    """words: what names and values are made of; with fewer than two nothing is changed."""

    def __init__(self, words: Sequence[str]):
        self._words = words

    def __call__(self, conversation: Conversation, rng: random.Random) -> Conversation:
        """The conversation with other definitions, requests and calls; as it was where feedback
        would no longer read as the error that it is.
        """
        made, _ = self._changed(conversation, (), rng)
        same = erroneous_calls(made) == erroneous_calls(conversation)
        return made if same else conversation

    def entry(self, entry: Entry, rng: random.Random) -> Entry:
        """An entry for reinforcement learning, with right calls that say what its context asks."""
        return Entry(*self._changed(entry.context, entry.golds, rng))

    def _changed(
        self, conversation: Conversation, golds: tuple[Call, ...], rng: random.Random
    ) -> tuple[Conversation, tuple[Call, ...]]:
        asked = [i for i, message in enumerate(conversation.messages) if message.role == "user"]
        if not asked or len(self._words) < 2:
            return conversation, golds
        calls = [*golds, *(call for each in conversation.messages for call in each.calls)]
        fixed = {call.name for call in calls if call.positional} | set(WITHOUT_FEEDBACK)
        added, tools = {}, {}
        for tool in conversation.tools:
            parameter = self._draw(rng)
            known = {*tool.properties, *(each.name for each in added.values())}
            changes = rng.random() < CHANGED and tool.name not in fixed
            if changes and parameter.name not in known:
                added[tool.name] = parameter
                tool = _with_parameter(tool, parameter, rng)
            tools[tool.name] = tool

        def completed(call: Call) -> Call:
            if call.name not in added:
                return call
            return _with_argument(call, tools[call.name], added[call.name])

        called = {call.name for call in calls}
        said = [
            parameter for name, parameter in added.items()
            if name in called or rng.random() < SAID_OF_OTHERS
        ]  # fmt: skip
        if rng.random() < SAID_FOR_NOTHING:
            said.append(self._draw(rng))
        messages = [
            replace(each, calls=tuple(map(completed, each.calls))) for each in conversation.messages
        ]
        messages[asked[0]] = _with_sentences(messages[asked[0]], said, rng)
        made = replace(conversation, tools=tuple(tools.values()), messages=tuple(messages))
        return made, tuple(map(completed, golds))

    def _draw(self, rng: random.Random) -> Parameter:
        name = "_".join(rng.sample(self._words, rng.choice((1, 1, 2))))
        word = rng.choice(self._words)
        code = "".join(rng.choices(CAPITALS, k=2)) + str(rng.randint(10, 999))
        text = rng.choice((word, word.capitalize(), code, rng.choice(CAPITALS).lower()))
        number = rng.randint(2, rng.choice((30, 30, 999)))
        return Parameter(name, rng.choice((number, text)))


def _with_parameter(tool: Tool, parameter: Parameter, rng: random.Random) -> Tool:
    """With one more that is required: mostly the last of these."""
    required, items = list(tool.required), list(tool.properties.items())
    rank = rng.choice((len(required), len(required), rng.randint(0, len(required))))
    places = [place for place, (name, _) in enumerate(items) if name in required[:rank]]
    kind = "integer" if isinstance(parameter.value, int) else "string"
    schema = {"type": kind, "description": parameter.written(rng.choice(DESCRIPTIONS))}
    items.insert(max(places, default=-1) + 1, (parameter.name, schema))
    required.insert(rank, parameter.name)
    made: dict[str, Any] = {"type": "object", **tool.parameters}
    return replace(tool, parameters=made | {"properties": dict(items), "required": required})


def _with_argument(call: Call, tool: Tool, parameter: Parameter) -> Call:
    """With the value, where the definition has it."""
    order, arguments = tool.parameter_names, list(call.arguments.items())
    behind = set(order[order.index(parameter.name) :])
    place = next((i for i, (name, _) in enumerate(arguments) if name in behind), len(arguments))
    arguments.insert(place, parameter)
    return replace(call, arguments=dict(arguments))


def _with_sentences(message: Message, said: list[Parameter], rng: random.Random) -> Message:
    """Each in front of the request or, twice as often, behind it."""
    request = message.content.rstrip()
    parts, blank = [request], message.content[len(request) :]
    for parameter in rng.sample(said, len(said)):
        sentence = parameter.written(rng.choice(SENTENCES))
        parts.insert(rng.choice((0, len(parts), len(parts))), sentence)
    return replace(message, content=" ".join(parts) + blank)
