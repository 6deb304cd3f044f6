"""The held-out sets of the embedded tool world as a benchmark."""

from pathlib import Path

from tl.bench.episodes import answer_values
from tl.bench.records import Case, Play, Question, Sets, Task
from tl.calls.schema import Conversation, Message
from tl.world import heldout
from tl.world.case_sets import MULTI, case_id, read_sets


def world_sets(folder: Path, names: list[str], limit: int | None = None) -> Sets:
    """The sets of those names from `python -m tl.world --write DIR`; InputError as `read_sets`."""
    return {
        name: [to_play(case) if name == MULTI else to_question(name, case) for case in cases]
        for name, cases in read_sets(folder, names, limit).items()
    }


def to_question(name: str, case: heldout.Case) -> Question:
    names = {"finish": "finish", "ask": "ask_to_user"}
    names = {role: case.renamed.get(tool, tool) for role, tool in names.items()}
    splits, number = {"scenario": case.scenario}, case_id(name, case)
    scored = Case(number, case.query, case.tools, case.golds, case.kind, splits, **names)
    return Question(opening(number, case), scored)


def to_play(case: heldout.Case) -> Play:
    solution = tuple(step.call for step in case.steps)
    expected = solution[-1].arguments["answer"]
    values = answer_values(expected, [step.feedback for step in case.steps[:-1]])
    splits = {"scenario": case.scenario, "tools": "unseen" if case.unseen else "seen"}
    task = Task(case.id, case.query, case.tools, solution, values, case.kind, splits)
    reply = case.reply or heldout.NOTHING_TO_ADD
    return Play(opening(case.id, case), task, heldout.Play(case).execute, reply)


def opening(number: str, case: heldout.Case) -> Conversation:
    return Conversation(number, case.tools, (Message("user", case.query),), f"case {case.id}")
