r"""ToolAlpaca eval_real: 114 queries to 11 real APIs, each with one or several gold calls.

An API documents each function as a text, "what it does\nParameters: {...}\nOutput: ...". The query
is followed by the API's authentication, masked as upstream masks it (`***`).

Data: data/eval_real.json of tangqiaoyu/ToolAlpaca at 1890699. What is done to it:

- 34 gold calls give a real key where the query gives `***`; they are made to give `***` as well.
- 4 gold calls of CurrencyBeacon are no JSON (`"symbols": "symbols": ...`); the word that stands
  twice is taken away.
- 6 cases of AviationAPI call tools first that its documentation does not offer. They stay, and
  cannot be right: the ceiling of TS is 109 of 114, by the first gold call alone 108.

A file in which the first two have been done already is the same file. Upstream scores replies with
GPT-4; TS, PI and CF are the paper's. Ids are `<API>/<number of the query, from 0>`.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tl import InputError
from tl.bench.records import Case, Question
from tl.bench.upstream import Upstream, find, read_json
from tl.calls.schema import Call, Conversation, Message, Tool

UPSTREAM = Upstream("tangqiaoyu/ToolAlpaca", "189069998d64a7baf1b4a1c3c4b2e75eb9d05532", "data/")
FILE = "eval_real.json"
SHA256 = "a3e86598d6bbdccd62231d2807406e7324c7064e25559d1f81cf7991b6ec6d48"
MASK = "***"
NO_FUNCTION = "components"  # describes the forms of the outputs
TWICE = '"symbols": "symbols":'
PARAMETER = re.compile(r"(?P<required>Required\. )?(?P<type>\w+)\. ?(?P<description>.*)", re.S)


def read_toolalpaca(folder: str | Path) -> list[Question]:
    """The 114 cases. InputError for a file that is missing or altered."""
    records = read_json(folder, UPSTREAM, FILE, None)
    try:
        apis = [_api(record) for record in records]
    except (KeyError, TypeError, ValueError, AttributeError):
        apis = []
    if content_sha256(apis) != SHA256:
        raise InputError(
            f"{find(folder, UPSTREAM, FILE)}: is not the published file (its content differs), "
            f"expected {UPSTREAM.url(FILE)}; take the file of that commit"
        )
    return [question for api in apis for question in _questions(api)]


def content_sha256(apis: list[dict[str, Any]]) -> str:
    """Of what is read from the file, with keys masked and golds repaired."""
    return hashlib.sha256(json.dumps(apis, sort_keys=True).encode()).hexdigest()


def _api(api: dict[str, Any]) -> dict[str, Any]:
    """What is used of an API's record; the gold calls as (name, arguments)."""
    secrets = api["Authentication"]
    return {
        "name": api["Name"],
        "authentication": sorted(secrets),
        "functions": api["Function_Description"],
        "queries": api["Instructions"],
        "golds": [[_gold(step, secrets) for step in steps] for steps in api["Golden_Answers"]],
    }


def _gold(step: dict[str, str], secrets: dict[str, str]) -> tuple[str, dict[str, Any]]:
    given = json.loads(step["Action_Input"].replace(TWICE, '"symbols":'))
    return step["Action"], {key: MASK if key in secrets else given[key] for key in given}


def _questions(api: dict[str, Any]) -> Iterator[Question]:
    name = api["name"]
    functions = {k: text for k, text in api["functions"].items() if k != NO_FUNCTION}
    tools = tuple(_tool(function, text) for function, text in functions.items())
    secrets = " ".join(f"{key}={MASK}" for key in api["authentication"])
    note = f"\nAuthentication information: {secrets}" if secrets else ""
    for number, (query, golds) in enumerate(zip(api["queries"], api["golds"], strict=True)):
        conversation = Conversation(
            f"{name}/{number}", tools, (Message("user", query + note),), f"{FILE}: {name}/{number}"
        )
        calls = tuple(Call(*gold) for gold in golds)
        case = Case(conversation.id, query, tools, calls, splits={"api": name})
        yield Question(conversation, case)


def _tool(name: str, text: str) -> Tool:
    """A function from its documentation."""
    description, _, rest = f"\n{text}".partition("\nParameters: ")
    documented = json.loads(rest.partition("\n")[0])
    found = {parameter: PARAMETER.fullmatch(value) for parameter, value in documented.items()}
    properties = {
        parameter: {"type": match["type"], "description": match["description"]}
        for parameter, match in found.items()
    }
    required = [parameter for parameter, match in found.items() if match["required"]]
    return Tool(
        name,
        description.strip(),
        {"type": "object", "properties": properties, "required": required},
    )
