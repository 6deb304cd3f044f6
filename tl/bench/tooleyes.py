"""ToolEyes: 382 queries to be played to their end, each with the tools of one of 95 toolboxes.

A toolbox documents its tools in config_gpt4.json, `ask_to_user` and `finish` last. The tools
themselves need the network, keys and dozens of packages; `simulated` answers in their place, unless
the user names a checkout of his own (`tool_library`).
Upstream scores with GPT-4; DE, CE and VA are the paper's (`episodes`).

Data: Junjie-Ye/ToolEyes at c818fce, Test_Data/scenario_data_zero_processed.json and Tool_Library/.
The queries repeat the documentation of their toolbox word by word; a toolbox whose file says
something else is refused. Ids are the upstream ones; two queries stand twice, the second time with
` #2` behind the id.
"""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tl import InputError
from tl.bench.records import Play, Task
from tl.bench.simulated import simulate
from tl.bench.tool_library import ToolLibrary
from tl.bench.upstream import Upstream, find, numbered, read_json
from tl.calls.schema import Conversation, Message, Tool

UPSTREAM = Upstream("Junjie-Ye/ToolEyes", "c818fcebe017951570a25e552a7984e40093fd52")
FILE = "Test_Data/scenario_data_zero_processed.json"
SHA256 = "a86e878200d14e58be468a266f068f03955512bd61ff4fd481d26897a403f3e8"


def read_tooleyes(folder: str | Path, library: ToolLibrary | None = None) -> list[Play]:
    """The 382 queries in the order of the file. library: the tools themselves. InputError for a
    file that is missing or altered, of the queries or of a toolbox.
    """
    items = read_json(folder, UPSTREAM, FILE, SHA256)
    return list(_plays(folder, items, library))


def toolbox_of(play: Play) -> str:
    """The path of its toolbox in the library: "Random/Random"."""
    return play.conversation.source.partition(" ")[2]


def _plays(
    folder: str | Path, items: list[dict[str, Any]], library: ToolLibrary | None
) -> Iterator[Play]:
    toolboxes: dict[str, list[dict]] = {}
    ids = numbered([item["id"] for item in items])
    for place, (item, number) in enumerate(zip(items, ids, strict=True), 1):
        toolbox = "/".join(item["path"].split("/")[-2:])
        path = item["path"].removeprefix("ToolEyes/") + "/config_gpt4.json"
        if path not in toolboxes:
            toolboxes[path] = read_json(folder, UPSTREAM, path, None)
        system, user = (turn["value"] for turn in item["conversations"])
        if toolboxes[path] != json.loads(system[system.index("[") : system.rindex("]") + 1]):
            raise InputError(
                f"{find(folder, UPSTREAM, path)}: is not the published file (the queries document "
                f"its tools otherwise), expected {UPSTREAM.url(path)}; take the file of that commit"
            )
        tools = tuple(map(Tool.from_openai, toolboxes[path]))
        source = f"{FILE}:{place} {toolbox}"
        conversation = Conversation(number, tools, (Message("user", user),), source)
        task = Task(number, user, tools, splits={"scenario": item["scenario"]})
        is_served = library is not None and library.serves(toolbox)
        execute = library.executor(toolbox, tools) if is_served else partial(simulate, tools)
        yield Play(conversation, task, execute)
