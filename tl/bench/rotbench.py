"""RoTBench: the first call (First_Turn) or the third (Third_Turn) to a query, at five levels of
noise in the names and descriptions of tools and parameters.

An item offers its tools in the text of the system message and lists its gold calls, each of them
right on its own, in the form of ReAct. The last two tools ask the user and finish, under whatever
names the noise has given them. All parameters are strings. A gold value "None" stands for any.

Data: Junjie-Ye/RoTBench at 637e43a, Data/{First_Turn,Third_Turn}/*.json. Scenarios TG RS DU PL AM
IR FT, 15 (10) cases each; slight, medium and heavy hold every case twice, with noise in the tools
and with noise in the parameters.
"""

import json
from pathlib import Path
from typing import Any

from tl import InputError
from tl.bench.records import Case, Prediction, Question
from tl.bench.rotbench_rules import ANY, Said, level_reached, read_raven, read_react
from tl.bench.upstream import Upstream, numbered, read_json
from tl.calls.compare import named_arguments
from tl.calls.schema import Call, Conversation, Message, Tool

UPSTREAM = Upstream("Junjie-Ye/RoTBench", "637e43ae9a978036774c92bb2ab11a83609e304b", "Data/")
LEVELS = ("clean", "slight", "medium", "heavy", "union")
TURNS = {"first": "First_Turn", "third": "Third_Turn"}
SHA256 = {
    "First_Turn/clean": "a367dc165c0bb09f4002c89ab9a6884ef2383547d8e6d21511c7c0153e7ff1cd",
    "First_Turn/slight": "a47aee08eec1d6b9519c227829a076ce05e2737455e0d7589921460f8cbe9825",
    "First_Turn/medium": "ad73ad3cad2ecd76bd2f0a2c7fb6e8dd3f599d20b6177b07ab5ad5fe6330e4be",
    "First_Turn/heavy": "061ffc421a9fa8b51abacfeab6880d42b86661d529e048f0cb09f2bee527533b",
    "First_Turn/union": "61ffacb834ebaac9aa317eb45e1e8b8c3f2c659696139b9dd3b7272491cff911",
    "Third_Turn/clean": "dee124e3df46b47cb31afb95454131030c09aaf8bc0296b7e9d15266092c125b",
    "Third_Turn/slight": "9eb3d65ef1322ae1d1281c508e81c716a8c6531678e8e23ac033e1703488327b",
    "Third_Turn/medium": "9119d71cc2371a5fb6f502a7d0298d70a1ae21908437fdd6e0c0365dbd8e3293",
    "Third_Turn/heavy": "75928e4bc969d95418883f335125da4368d67df57a1e34c94c0230b3c2ceda3d",
    "Third_Turn/union": "89427db39c7fc0db183494cc8d08746b77c57d3e720d937167635f9adc11c00d",
}
BEGIN = "\nBegin!\n"  # ends every query upstream
ROLES = {"user": "user", "function": "tool"}


def read_rotbench(folder: str | Path, level: str = "clean", turn: str = "first") -> list[Question]:
    """The questions of a level in the order of the file. Their ids are the upstream ones, the
    second of the same id with ` #2` behind it. InputError for a file that is missing or altered.
    """
    name = f"{TURNS[turn]}/{level}"
    items = read_json(folder, UPSTREAM, f"{name}.json", SHA256[name])
    return questions_of(items, name)


def questions_of(items: Any, place: str) -> list[Question]:
    """The questions of a parsed file."""
    try:
        ids = list(numbered([item["id"] for item in items]))
        return [
            _question(item, number, f"{place}:{place_in}")
            for place_in, (item, number) in enumerate(zip(items, ids, strict=True), 1)
        ]
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise InputError(
            f"{place}: is no file of RoTBench ({type(error).__name__}: {error}), expected items "
            "with id, conversations and scenario"
        ) from error


def official(case: Case, prediction: Prediction, dialect: str = "") -> int:
    """How many of TS, PI, CF the published script gives: 0 to 3.

    A reply in a dialect that the script reads, react or raven, is read by the script's rules; of
    any other, and of a gold call without a text, the call itself is scored by them.
    """
    golds = [Said(gold.name, gold.arguments) for gold in case.golds]
    return level_reached(_said(case, prediction, dialect), golds, case.tools)


def _said(case: Case, prediction: Prediction, dialect: str) -> Said:
    """The reply's call, in the way of the published script."""
    if prediction.text and dialect == "react":
        return read_react(prediction.text)
    if prediction.text and dialect == "raven":
        return read_raven(prediction.text, 2, case.tools)
    call = prediction.call
    if call is None:
        return Said("", 0)
    documented = (tool.parameter_names for tool in case.tools if tool.name == call.name)
    return Said(call.name, named_arguments(call, next(documented, [])))


def _question(item: dict, number: str, source: str) -> Question:
    first, *middle, last = item["conversations"]
    system = first["value"]
    tools = tuple(map(Tool.from_openai, json.loads(system[system.index("[") : -13])))
    messages = tuple(_message(turn) for turn in middle)
    golds = tuple(_gold(text) for text in last["value"])
    case = Case(
        number, messages[0].content, tools, golds, splits={"scenario": item["scenario"]},
        finish=tools[-1].name, ask=tools[-2].name, wildcard=ANY,
    )  # fmt: skip
    return Question(Conversation(number, tools, messages, source), case)


def _message(turn: dict) -> Message:
    text = turn["value"]
    if turn["from"] == "assistant":
        return Message("assistant", calls=(_gold(text),))
    return Message(ROLES[turn["from"]], text.removesuffix(BEGIN))


def _gold(text: str) -> Call:
    name, given = read_react(text)
    if not name or not isinstance(given, dict):
        raise ValueError(f"the call {text!r} cannot be read")
    return Call(name, given)
