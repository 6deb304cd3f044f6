"""The same conversation with the parameters of its tools in another order: whether a call is
complete is then told by what its tool still needs, and not by which parameter was the last one of
other tools.

    book_room(date, seats)       book_room(date = '2025-05-14', seats = 8)
    book_room(seats, date)       book_room(seats = 8, date = '2025-05-14')

Nothing changes its meaning: parameters are given by name. Those with a default stay behind those
without, as signatures have them.
"""

import random
from dataclasses import replace
from typing import Any

from tl.calls.schema import Call, Conversation, Message, Tool


def other_order(conversation: Conversation, rng: random.Random) -> Conversation:
    """Each tool with an order of its own, in its definition and in all calls of it.

    A conversation with arguments that are given by their places stays as it was.
    """
    if any(call.positional for message in conversation.messages for call in message.calls):
        return conversation
    orders = {tool.name: _draw(tool.parameters, rng) for tool in conversation.tools}
    tools = tuple(_in_order(tool, orders[tool.name]) for tool in conversation.tools)
    messages = tuple(_with_calls_in_order(each, orders) for each in conversation.messages)
    return replace(conversation, tools=tools, messages=messages)


def _draw(schema: dict[str, Any], rng: random.Random) -> list[str]:
    names, required = list(schema.get("properties") or {}), schema.get("required") or ()
    first = [name for name in names if name in required]
    last = [name for name in names if name not in required]
    return rng.sample(first, len(first)) + rng.sample(last, len(last))


def _in_order(tool: Tool, order: list[str]) -> Tool:
    schema = dict(tool.parameters)
    if order:
        schema["properties"] = {name: schema["properties"][name] for name in order}
    if schema.get("required"):
        schema["required"] = sorted(schema["required"], key=_places(order))
    return replace(tool, parameters=schema)


def _with_calls_in_order(message: Message, orders: dict[str, list[str]]) -> Message:
    return replace(message, calls=tuple(_call(call, orders) for call in message.calls))


def _call(call: Call, orders: dict[str, list[str]]) -> Call:
    """Arguments that the tool does not have stay behind those that it has."""
    places = _places(orders.get(call.name, []))
    arguments = {name: call.arguments[name] for name in sorted(call.arguments, key=places)}
    return replace(call, arguments=arguments)


def _places(order: list[str]):
    return lambda name: order.index(name) if name in order else len(order)
