"""The held-out sets by their names in scores.json, and the files that hold them."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tl import InputError
from tl.world.case_file import read_cases
from tl.world.heldout import Case, Play
from tl.world.noise import LEVELS

MULTI = "multi"
FILES = {"seen": "single_seen", "unseen": "single_unseen"}
FILES |= {f"levels/{level}": f"noise_{level}" for level in LEVELS} | {MULTI: "multi"}

Sets = dict[str, list[Case]]


def read_sets(folder: Path, names: Iterable[str], limit: int | None = None) -> Sets:
    """The first `limit` cases of each named set. InputError also for a case that stands twice or
    that cannot be played."""
    sets = {}
    for name in names:
        level = name.removeprefix("levels/") if "/" in name else "clean"
        sets[name] = read_cases(folder / f"{FILES[name]}.json", level)[:limit]
    if twice := [each for each, count in Counter(case_ids(sets)).items() if count > 1]:
        raise InputError(f"{folder}: the case {twice[0]!r} stands twice, expected ids that differ; "
                         "write the sets again with python -m tl.world --write DIR")  # fmt: skip
    for case in sets.get(MULTI, []):
        Play(case)  # what cannot be played is said before a model runs
    return sets


def case_id(name: str, case: Case) -> str:
    """The id in predictions.jsonl. A case has the same id at every level of noise."""
    return f"{name.removeprefix('levels/')}/{case.id}" if "/" in name else case.id


def case_ids(sets: Sets) -> list[str]:
    """All of them, in the order of the sets."""
    return [case_id(name, case) for name, cases in sets.items() for case in cases]
