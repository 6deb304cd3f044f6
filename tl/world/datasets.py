"""The data sets, in the format of the authors' raw_data.json, and their labels beside them.

    train.json          1,217 trajectories (the number of paper Table 2)
    train_errors.jsonl  {"id", "turn", "category", "is_error", "tool", "subtype"}; a call with
                        feedback that is not listed is right
    test.json, test_errors.jsonl    200 trajectories whose requests use other values and wordings
    rl.json             1,194 entries: a context and the gold call (`rl.py`)
    single_seen.json    200 held-out requests and their right first calls (`heldout.py`)
    single_unseen.json  200, of tools that no training data has (`unseen.py`)
    multi.json          200 to be played: 150 with seen tools, then 50 with unseen ones
    noise_LEVEL.json    single_seen.json at the five levels of RoTBench (`noise.py`): clean, slight,
                        medium, heavy, union

Everything follows from the seed: trajectory i of a split is drawn from `random.Random` of (seed,
split, i) alone. Which trajectories ask, need no tool or make a mistake is dealt out in exact
numbers.
"""

import json
import os
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from errno import EISDIR
from pathlib import Path

from tl import InputError
from tl.calls.feedback import ErrorType
from tl.world.case_file import render_cases
from tl.world.heldout import CASES, UNSEEN_MULTI, Case, multi_cases, single_cases
from tl.world.mistakes import CATEGORIES
from tl.world.noise import LEVELS, noisy
from tl.world.rl import Entry, entry_record, make_entry, raw_messages
from tl.world.tasks import SPLITS, Task
from tl.world.teacher import Trajectory, teach
from tl.world.tools import DIALOGUE
from tl.world.unseen import tasks_of

TRAIN_TRAJECTORIES = 1217  # paper Table 2
RL_ENTRIES = 1194  # paper Table 2
TEST_TRAJECTORIES = 200
ERRONEOUS_SHARE = 0.17  # of trajectories, paper section 3
# Shares of the requests that are special; the rest are plain.
KIND_SHARES = {"direct": 0.06, "withheld": 0.05, "ask": 0.12}
# Shares of the kinds of mistakes, after the labelled BFCL trajectories.
MISTAKE_SHARES = dict(zip(CATEGORIES, (0.25, 0.22, 0.19, 0.24, 0.10), strict=True))
WITHHELD_MISTAKES = 0.05  # of the mistakes: the tool that is not on offer is called all the same


@dataclass(frozen=True)
class Datasets:
    """What the files hold. trajectories: "train", "test". cases: file name without .json -> cases.
    """

    trajectories: dict[str, list[Trajectory]]
    entries: list[Entry]
    cases: dict[str, list[Case]]


def make_trajectories(
    split: str, count: int, seed: int = 0, name: str | None = None
) -> Iterator[Trajectory]:
    """The first `count` trajectories of a split (one of SPLITS). name: other than the split's, it
    draws others and starts their ids.
    """
    assert split in SPLITS, split
    name = name or split
    deals = deal(count, random.Random(f"{seed} {name} deal"))
    for index, (kind, error) in enumerate(deals):
        rng = random.Random(f"{seed} {name} {index}")
        trajectory = None
        while trajectory is None:  # not every call can go wrong in every way
            family, task = _choose_task(kind, split, rng)
            called = f"{name}_{index:04}_{task.name}"
            trajectory = teach(task, family, split, rng, name=called, kind=kind, error=error)
        yield trajectory


def make_entries(count: int, seed: int = 0) -> Iterator[Entry]:
    """Entries for reinforcement learning, each from a trajectory of its own."""
    for index, trajectory in enumerate(make_trajectories("train", count, seed, "rl")):
        yield make_entry(trajectory, random.Random(f"{seed} rl entry {index}"))


def make_cases(count: int, seed: int = 0) -> dict[str, list[Case]]:
    """The held-out sets by the names of their files."""
    unseen = round(count * UNSEEN_MULTI / CASES)
    made = {f"single_{tools}": single_cases(tools, count, seed) for tools in ("seen", "unseen")}
    made["multi"] = multi_cases("seen", count - unseen, seed) + multi_cases("unseen", unseen, seed)
    return made | {f"noise_{level}": noisy(made["single_seen"], level, seed) for level in LEVELS}


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
    entries: int = RL_ENTRIES,
    cases: int = CASES,
) -> Datasets:
    """Writes the files, all or none, and returns what they hold. InputError for a negative number
    or where `directory` is a file.
    """
    directory = Path(directory)
    if (fewest := min(trajectories, test_trajectories, entries, cases)) < 0:
        raise InputError(f"a number of records is {fewest}, expected 0 or more")
    if directory.exists() and not directory.is_dir():
        raise InputError(f"{directory}: is a file, expected a directory to write the data sets to")
    made = Datasets(
        {
            "train": list(make_trajectories("train", trajectories, seed)),
            "test": list(make_trajectories("test", test_trajectories, seed)),
        },
        list(make_entries(entries, seed)),
        make_cases(cases, seed),
    )
    directory.mkdir(parents=True, exist_ok=True)
    _write_files(directory, _render(made))
    return made


def _render(made: Datasets) -> dict[str, str]:
    """File name -> text."""
    texts = {"rl.json": _json_list(entry_record(entry) for entry in made.entries)}
    for split, content in made.trajectories.items():
        texts[f"{split}.json"] = _json_list(to_raw(t) for t in content)
        labels = [json.dumps(row) for t in content for row in label_rows(t)]
        texts[f"{split}_errors.jsonl"] = "".join(row + "\n" for row in labels)
    return texts | {f"{name}.json": render_cases(cases) for name, cases in made.cases.items()}


def to_raw(trajectory: Trajectory) -> dict:
    """One record of raw_data.json."""
    conversation = trajectory.conversation
    return {"id": conversation.id, "conversations": raw_messages(conversation)}


def label_rows(trajectory: Trajectory) -> list[dict]:
    """The lines of the errors file that belong to a trajectory."""
    return [{"id": trajectory.conversation.id} | label._asdict() for label in trajectory.labels]


def _choose_task(kind: str, split: str, rng: random.Random) -> tuple[str, Task]:
    """A family first, so that large families do not crowd out small ones, then one of its tasks."""
    tasks = tasks_of(split)
    if kind == "direct":
        return DIALOGUE, rng.choice(tasks[DIALOGUE])
    fitting = {
        family: [t for t in tasks if kind != "ask" or t.question]
        for family, tasks in tasks.items()
        if family != DIALOGUE
    }
    name = rng.choice([name for name, tasks in fitting.items() if tasks])
    return name, rng.choice(fitting[name])


def _shares(shares: dict, count: int, rest: object) -> list:
    dealt = [key for key, share in shares.items() for _ in range(round(share * count))][:count]
    return dealt + [rest] * (count - len(dealt))


def _json_list(records: Iterable[dict]) -> str:
    rows = [json.dumps(record, ensure_ascii=False) for record in records]
    return "[\n" + ",\n".join(rows) + "\n]\n"


def _write_files(directory: Path, texts: dict[str, str]) -> None:
    """Each file is written beside its place first; nothing is renamed before all are complete."""
    for name in texts:
        if (directory / name).is_dir():
            raise IsADirectoryError(EISDIR, os.strerror(EISDIR), str(directory / name))
    temporary = {name: directory / f"{name}.tmp" for name in texts}
    try:
        for name, text in texts.items():
            temporary[name].write_text(text, encoding="utf-8", newline="\n")
        for name, path in temporary.items():
            os.replace(path, directory / name)
    finally:
        for path in temporary.values():
            path.unlink(missing_ok=True)
