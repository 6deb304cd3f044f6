"""Gold calls of RoTBench, damaged in the ways in which models damage calls: what the official
scorer and ours are both given. The same seed makes the same replies; nothing is stored.

A file of items is the parsed upstream file. `ITEMS` are a few of our own, in the same form.
"""

import json
from random import Random
from typing import NamedTuple


class Reply(NamedTuple):
    """version: 0 ReAct, 1 and 2 NexusRaven. index: of the item in its file."""

    file: str
    index: int
    version: int
    text: str


def replies(files: dict[str, list], number: int, seed: int = 0) -> list[Reply]:
    """`number` damaged golds, spread over the files."""
    random = Random(seed)
    names = sorted(files)
    return [_reply(random, name := pick(random, names), files[name]) for _ in range(number)]


def pick(random: Random, choices):
    """An element; `Random.random` alone gives the same in every version of Python."""
    choices = list(choices)
    return choices[int(random.random() * len(choices))]


def tools_of(item: dict) -> list[dict]:
    text = item["conversations"][0]["value"]
    return json.loads(text[text.index("[") : -13])


def golds_of(item: dict) -> list[tuple[str, dict]]:
    golds = []
    for text in item["conversations"][-1]["value"]:
        head, _, given = text.partition("\nAction Input: ")
        golds.append((head.split("Action: ")[1], json.loads(given)))
    return golds


def _reply(random: Random, file: str, items: list) -> Reply:
    index = int(random.random() * len(items))
    name, given = pick(random, golds_of(items[index]))
    for _ in range(int(random.random() * 3)):
        name, given = pick(random, CHANGES)(random, name, dict(given), tools_of(items[index]))
    version = pick(random, (0, 0, 0, 2, 2, 1))
    text = (react, raven_1, raven_2)[version](random, name, given)
    if random.random() < 0.25:
        text = pick(random, DAMAGES)(random, text)
    return Reply(file, index, version, text)


# --- changes of a call


def _drop(random, name, given, tools):
    if given:
        del given[pick(random, given)]
    return name, given


def _add(random, name, given, tools):
    names = [p for tool in tools for p in tool["parameters"]["properties"]] + ["extra"]
    return name, given | {pick(random, names): pick(random, ("", "x", 1, None))}


def _rename(random, name, given, tools):
    key = pick(random, given) if given else ""
    changed = pick(random, (key.upper(), key + "s", " " + key, key[::-1]))
    return name, {changed if k == key else k: v for k, v in given.items()}


def _value(random, name, given, tools):
    if given:
        key = pick(random, given)
        value = given[key]
        text = str(value)
        given[key] = pick(random, (text.upper(), text.lower(), text + " ", text[:-1], "None", "",
                                   True, 1, 1.0, None, [value], {"a": value},
                                   int(text) if text.isdecimal() else 0,
                                   "a (b)", "it's", "a, b", "a = b", "a; b"))  # fmt: skip
    return name, given


def _any(random, name, given, tools):
    return name, {k: "whatever" if v == "None" else v for k, v in given.items()}


def _empty(random, name, given, tools):
    return name, {}


def _order(random, name, given, tools):
    return name, dict(reversed(given.items()))


def _tool(random, name, given, tools):
    return pick(random, tools)["name"], given


def _tool_case(random, name, given, tools):
    return pick(random, (name.upper(), name + " ", " " + name, name[:-1], name + "\n")), given


def _finish(random, name, given, tools):
    return pick(random, ("finish", "ask_to_user", tools[-1]["name"], tools[-2]["name"])), given


CHANGES = (_drop, _add, _rename, _value, _value, _any, _any, _empty, _order, _tool, _tool_case,
           _finish)  # fmt: skip


# --- the call as text


def react(random, name, given):
    thought = pick(random, ("", " I need a tool.", " The Action: matters.", " Hm.\n"))
    given = json.dumps(given, ensure_ascii=random.random() < 0.5)
    return f"Thought:{thought}\nAction: {name}\nAction Input: {given}"


def raven_1(random, name, given):
    return f"Thought: t\nInitial Answer: {_python(random, name, given)}\nReflection: fine"


def raven_2(random, name, given):
    call = _python(random, name, given)
    call = pick(random, (call, call, call, call + "; " + call, f"outer(x={call})", f"f({call})",
                         call + "<bot_end>"))  # fmt: skip
    return f"Call: {call} \nThought: I call {name}."


def _python(random, name, given):
    if random.random() < 0.15:
        return f"{name}({', '.join(map(str, given.values()))})"
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in given.items())})"


# --- damage to the text


def _cut(random, text):
    return text[: int(random.random() * len(text))]


def _without(word):
    return lambda random, text: text.replace(word, "", 1)


def _swap(old, new):
    return lambda random, text: text.replace(old, new)


DAMAGES = (
    _cut,
    _without("Action:"),
    _without("Action Input:"),
    _without("\n"),
    _without(" "),
    _without("("),
    _without(")"),
    _without("'"),
    _without('"'),
    _without("}"),
    _swap('"', "'"),
    _swap("'", '"'),
    _swap("Action Input: {", "Action Input: [{"),
    _swap("Action Input: {", "Action Input:{"),
    _swap(", ", ","),
    _swap("=", " = "),
    _swap("\n", "\r\n"),
    lambda random, text: text + "\nObservation: done",
    lambda random, text: text + "\n",
    lambda random, text: text + text,
    lambda random, text: text[: text.find("{")] + pick(random, ("[]", "[1]", "7", '"x"', "null")),
    lambda random, text: pick(random, ("", " ", "I cannot handle the task.", "()", "Action:")),
)


# --- items of our own, in the upstream form


def _item(number, tools, golds, scenario="TG"):
    offered = [
        {"name": name, "description": f"Does {name}.", "parameters": {
            "type": "object",
            "properties": {p: {"type": "string", "description": p} for p in parameters},
            "required": list(parameters)}}
        for name, parameters in tools.items()
    ]  # fmt: skip
    system = f"You have these tools:\n{json.dumps(offered)}\n\nLet's Begin!"
    texts = [f"Thought:\nAction: {n}\nAction Input: {json.dumps(g)}" for n, g in golds]
    return {"id": f"Turn 1: own {number}", "scenario": scenario, "conversations": [
        {"from": "system", "value": system},
        {"from": "user", "value": f"own {number}\nBegin!\n"},
        {"from": "assistant", "value": texts}]}  # fmt: skip


TALK = {"ask_to_user": ("question",), "finish": ("answer",)}
ITEMS = [
    _item(0, {"add": ("a", "b"), **TALK}, [("add", {"a": "1", "b": "2"})]),
    _item(1, {"now": (), "then": ("day",), **TALK}, [("now", {})]),
    _item(2, {"weather": ("city", "unit"), **TALK},
          [("weather", {"city": "Oslo", "unit": "None"}), ("weather", {"city": "Bergen"})], "RS"),
    _item(3, {"say": ("text",), "say_it": ("text", "to"), **TALK},
          [("say", {"text": "it's (late)"}), ("say_it", {"text": "None", "to": "None"})], "PL"),
    _item(4, TALK, [("ask_to_user", {"question": "Which one?"})], "AM"),
    _item(5, {"x": ("y",), "inquire": ("question",), "hsinif": ("answer",)},
          [("hsinif", {"answer": "42"}), ("inquire", {"question": "?"})], "IR"),
    _item(6, {"finish": ("code:",), "ask": ("q",), "end": ("a",)},
          [("end", {"a": "None"}), ("finish", {"code:": "7"})], "FT"),
    _item(7, {"two": ("a", "b"), **TALK},
          [("two", {"a": "None", "b": "x"}), ("two", {"b": "y"}), ("two", {"a": "1", "b": "z"})],
          "DU"),
]  # fmt: skip
