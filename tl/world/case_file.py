"""Held-out cases as files: a JSON list with one object per `Case`.

    {"id": "single_seen_0000", "kind": "tool", "scenario": "TG", "family": "text", "unseen": false,
     "query": "...", "tools": [OpenAI schema], "golds": [{"name": ..., "arguments": {...}}],
     "steps": [{"name": ..., "arguments": {...}, "feedback": "..."}], "reply": null, "seed": 7,
     "task": "change_case", "template": "...", "values": {...}, "noise": "clean", "renamed": {}}
"""

import json
from collections.abc import Iterable
from pathlib import Path

from tl import InputError
from tl.calls.schema import Call, Tool
from tl.world.heldout import Case, GoldStep
from tl.world.rl import call_record

AS_THEY_ARE = ("id", "kind", "scenario", "family", "unseen", "query", "reply", "seed", "task",
               "template", "values", "noise", "renamed")  # fmt: skip


def render_cases(cases: Iterable[Case]) -> str:
    """The text of a file, one line per case."""
    rows = [json.dumps(case_record(case), ensure_ascii=False) for case in cases]
    return "[\n" + ",\n".join(rows) + "\n]\n"


def read_cases(path: str | Path) -> list[Case]:
    """The cases of a file that `python -m tl.world --write` made. InputError for any other file."""
    try:
        records = json.loads(Path(path).read_text(encoding="utf-8"))
        return [_case(record) for record in records]
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: not a file of held-out cases ({type(error).__name__}: {error}); write it "
            "again with python -m tl.world --write DIR"
        ) from error


def case_record(case: Case) -> dict:
    """One object of the file."""
    return {name: getattr(case, name) for name in AS_THEY_ARE} | {
        "tools": [tool.to_openai() for tool in case.tools],
        "golds": [call_record(call) for call in case.golds],
        "steps": [call_record(step.call) | {"feedback": step.feedback} for step in case.steps],
    }


def _case(record: dict) -> Case:
    return Case(
        **{name: record[name] for name in AS_THEY_ARE},
        tools=tuple(Tool.from_openai(tool) for tool in record["tools"]),
        golds=tuple(_call(gold) for gold in record["golds"]),
        steps=tuple(GoldStep(_call(step), step["feedback"]) for step in record["steps"]),
    )


def _call(record: dict) -> Call:
    return Call(record["name"], record["arguments"])
