"""The data sets, in the format of the authors' raw_data.json, and their labels beside them.

    train.json          1,217 trajectories (the number of paper Table 2)
    train_errors.jsonl  {"id", "turn", "category", "is_error", "tool", "subtype"}; a call with
                        feedback that is not listed is right
    test.json, test_errors.jsonl    200 trajectories whose requests use other values and wordings

Everything follows from the seed: trajectory i of a split is drawn from `random.Random` of (seed,
split, i) alone. Which trajectories ask, need no tool or make a mistake is dealt out in exact
numbers.
"""

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

from tl import InputError
from tl.calls.feedback import ErrorType
from tl.world.mistakes import CATEGORIES
from tl.world.tasks import SPLITS, Task
from tl.world.teacher import Trajectory, teach
from tl.world.tools import DIALOGUE, FAMILIES

TRAIN_TRAJECTORIES = 1217  # paper Table 2
TEST_TRAJECTORIES = 200
ERRONEOUS_SHARE = 0.17  # of trajectories, paper section 3
# Shares of the requests that are special; the rest are plain.
KIND_SHARES = {"direct": 0.06, "withheld": 0.05, "ask": 0.12}
# Shares of the kinds of mistakes, after the labelled BFCL trajectories.
MISTAKE_SHARES = dict(zip(CATEGORIES, (0.25, 0.22, 0.19, 0.24, 0.10), strict=True))
WITHHELD_MISTAKES = 0.05  # of the mistakes: the tool that is not on offer is called all the same


def make_trajectories(split: str, count: int, seed: int = 0) -> Iterator[Trajectory]:
    """The first `count` trajectories of a split ("train" or "test")."""
    assert split in SPLITS, split
    deals = deal(count, random.Random(f"{seed} {split} deal"))
    for index, (kind, error) in enumerate(deals):
        rng = random.Random(f"{seed} {split} {index}")
        trajectory = None
        while trajectory is None:  # not every call can go wrong in every way
            family, task = _choose_task(kind, rng)
            name = f"{split}_{index:04}_{task.name}"
            trajectory = teach(task, family, split, rng, name=name, kind=kind, error=error)
        yield trajectory


def deal(count: int, rng: random.Random) -> list[tuple[str, ErrorType | None]]:
    """(kind of request, kind of mistake or None) of each trajectory, in exact shares."""
    kinds = _shares(KIND_SHARES, count, "plain")
    errors = _shares(MISTAKE_SHARES, round(ERRONEOUS_SHARE * count), ErrorType.TOOL_HALLUCINATION)
    withheld = min(round(WITHHELD_MISTAKES * len(errors)), kinds.count("withheld"))
    rng.shuffle(errors)
    errors.sort(key=lambda error: error is not ErrorType.TOOL_HALLUCINATION)
    dealt = [("withheld", errors.pop(0)) for _ in range(withheld)]
    able = [kind for kind in kinds if kind in ("plain", "ask")]
    rng.shuffle(able)
    dealt += [(able.pop(), error) for error in errors]
    dealt += [(kind, None) for kind in able]
    dealt += [("direct", None)] * kinds.count("direct")
    dealt += [("withheld", None)] * (kinds.count("withheld") - withheld)
    rng.shuffle(dealt)
    return dealt


def write_datasets(
    directory: str | Path,
    seed: int = 0,
    trajectories: int = TRAIN_TRAJECTORIES,
    test_trajectories: int = TEST_TRAJECTORIES,
) -> dict[str, list[Trajectory]]:
    """Writes the four files, all or none, and returns what they hold. InputError for a negative
    number or where `directory` is a file.
    """
    directory = Path(directory)
    if min(trajectories, test_trajectories) < 0:
        raise InputError(
            f"trajectories is {min(trajectories, test_trajectories)}, expected 0 or more"
        )
    if directory.exists() and not directory.is_dir():
        raise InputError(f"{directory}: is a file, expected a directory to write the data sets to")
    made = {
        "train": list(make_trajectories("train", trajectories, seed)),
        "test": list(make_trajectories("test", test_trajectories, seed)),
    }
    texts = {}
    for split, content in made.items():
        rows = [json.dumps(to_raw(t), ensure_ascii=False) for t in content]
        labels = [json.dumps(row) for t in content for row in label_rows(t)]
        texts[f"{split}.json"] = "[\n" + ",\n".join(rows) + "\n]\n"
        texts[f"{split}_errors.jsonl"] = "".join(row + "\n" for row in labels)
    directory.mkdir(parents=True, exist_ok=True)
    _write_files(directory, texts)
    return made


def to_raw(trajectory: Trajectory) -> dict:
    """One record of raw_data.json."""
    conversation = trajectory.conversation
    tools = json.dumps([tool.to_openai() for tool in conversation.tools], ensure_ascii=False)
    messages = [{"role": "system", "content": tools}]
    for message in conversation.messages:
        role, content = message.role, message.content
        if role == "assistant":
            (call,) = message.calls
            content = f"{call.name}\n{json.dumps(call.arguments, ensure_ascii=False)}"
        messages.append({"role": "function" if role == "tool" else role, "content": content})
    return {"id": conversation.id, "conversations": messages}


def label_rows(trajectory: Trajectory) -> list[dict]:
    """The lines of the errors file that belong to a trajectory."""
    return [{"id": trajectory.conversation.id} | label._asdict() for label in trajectory.labels]


def _choose_task(kind: str, rng: random.Random) -> tuple[str, Task]:
    """A family first, so that large families do not crowd out small ones, then one of its tasks."""
    if kind == "direct":
        return DIALOGUE, rng.choice(FAMILIES[DIALOGUE].tasks)
    fitting = {
        family.name: [t for t in family.tasks if kind != "ask" or t.question]
        for family in FAMILIES.values()
        if family.name != DIALOGUE
    }
    name = rng.choice([name for name, tasks in fitting.items() if tasks])
    return name, rng.choice(fitting[name])


def _shares(shares: dict, count: int, rest: object) -> list:
    dealt = [key for key, share in shares.items() for _ in range(round(share * count))][:count]
    return dealt + [rest] * (count - len(dealt))


def _write_files(directory: Path, texts: dict[str, str]) -> None:
    """Each file is written beside its place first; nothing is renamed before all are complete."""
    temporary = {name: directory / f"{name}.tmp" for name in texts}
    try:
        for name, text in texts.items():
            temporary[name].write_text(text, encoding="utf-8", newline="\n")
        for name, path in temporary.items():
            os.replace(path, directory / name)
    finally:
        for path in temporary.values():
            path.unlink(missing_ok=True)
