"""Held-out cases as files: a JSON list with one object per `Case`.

    {"id": "single_seen_0000", "kind": "tool", "scenario": "TG", "family": "text", "unseen": false,
     "query": "...", "tools": [OpenAI schema], "golds": [{"name": ..., "arguments": {...}}],
     "steps": [{"name": ..., "arguments": {...}, "feedback": "..."}], "reply": null, "seed": 7,
     "task": "change_case", "template": "...", "values": {...}, "noise": "clean", "renamed": {}}
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tl import InputError
from tl.calls.schema import Call, Tool
from tl.json_file import read_json
from tl.world.heldout import KIND_SHARES, Case, GoldStep
from tl.world.rl import call_record

AS_THEY_ARE = {"id": str, "kind": str, "scenario": str, "family": str, "unseen": bool,
               "query": str, "reply": str | None, "seed": int, "task": str, "template": str,
               "values": dict, "noise": str, "renamed": dict}  # fmt: skip
IN_WORDS = {str: "a text", bool: "true or false", str | None: "a text or null", int: "a number",
            dict: "an object", list: "a list with something in it"}  # fmt: skip
KINDS = ("tool", *KIND_SHARES)
ADVICE = "write it again with python -m tl.world --write DIR"
SHOWN = 60  # characters of a wrong value in a message


def render_cases(cases: Iterable[Case]) -> str:
    """The text of a file, one line per case."""
    rows = [json.dumps(case_record(case), ensure_ascii=False) for case in cases]
    return "[\n" + ",\n".join(rows) + "\n]\n"


def read_cases(path: str | Path, noise: str | None = None) -> list[Case]:
    """The cases of a file that `python -m tl.world --write` made. InputError for any other file; it
    names the record, counted from 1. noise: the level that all have to be of.
    """
    cases = []
    for number, record in enumerate(_records(path), 1):
        try:
            cases.append(_case(record))
            if noise not in (None, cases[-1].noise):
                raise InputError(f"noise is {_show(cases[-1].noise)}, expected {noise!r}")
        except InputError as error:
            raise InputError(f"{path}:{number}: {error}; {ADVICE}") from None
    return cases


def case_record(case: Case) -> dict:
    """One object of the file."""
    return {name: getattr(case, name) for name in AS_THEY_ARE} | {
        "tools": [tool.to_openai() for tool in case.tools],
        "golds": [call_record(call) for call in case.golds],
        "steps": [call_record(step.call) | {"feedback": step.feedback} for step in case.steps],
    }


def _records(path: str | Path) -> list:
    records = read_json(path, ADVICE)
    if not isinstance(records, list):
        raise InputError(f"{path}: is {_show(records)}, expected a list of cases; {ADVICE}")
    return records


def _case(record: Any) -> Case:
    case = Case(
        **{name: _member(record, name, kind) for name, kind in AS_THEY_ARE.items()},
        tools=tuple(map(Tool.from_openai, _member(record, "tools", list))),
        golds=tuple(map(_call, _member(record, "golds", list))),
        steps=tuple(map(_step, _member(record, "steps", list))),
    )
    if case.kind not in KINDS:
        raise InputError(f"kind is {_show(case.kind)}, expected one of {', '.join(KINDS)}")
    if not all(isinstance(name, str) for name in case.renamed.values()):
        raise InputError(f"renamed is {_show(case.renamed)}, expected names of tools")
    last = case.steps[-1].call
    if last.name != "finish" or not isinstance(last.arguments.get("answer"), str):
        raise InputError(f"the last step is {_show(call_record(last))}, expected finish(answer)")
    return case


def _step(record: Any) -> GoldStep:
    return GoldStep(_call(record), _member(record, "feedback", str))


def _call(record: Any) -> Call:
    return Call(_member(record, "name", str), _member(record, "arguments", dict))


def _member(record: Any, name: str, kind: type) -> Any:
    if not isinstance(record, dict) or name not in record:
        raise InputError(f"is or holds {_show(record)}, expected an object with {name!r}")
    value = record[name]
    if not isinstance(value, kind) or (kind is list and not value):
        raise InputError(f"{name} is {_show(value)}, expected {IN_WORDS[kind]}")
    return value


def _show(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."
