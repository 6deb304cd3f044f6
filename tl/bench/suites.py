"""The benchmarks by name: which sets each has, and by which protocols they are counted.

    rotbench      rotbench/clean ... rotbench/union (--level); rotbench/third/clean ... with --sets
    bfcl          bfcl/exec; bfcl/simple ... bfcl/parallel_multiple with --sets
    toolalpaca    toolalpaca
    tooleyes      tooleyes, played
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from tl import InputError
from tl.bench.bfcl import AST, read_ast, read_exec
from tl.bench.protocols import Protocol, all_calls, first_gold, fixed
from tl.bench.records import Question, Sets
from tl.bench.rotbench import LEVELS, TURNS, official, read_rotbench
from tl.bench.toolalpaca import read_toolalpaca
from tl.bench.tooleyes import read_tooleyes

SETS = {  # benchmark -> its sets; the first is read where none is named
    "rotbench": tuple(TURNS),
    "bfcl": ("exec", *AST),
    "toolalpaca": ("toolalpaca",),
    "tooleyes": ("tooleyes",),
}
NOTES = {  # benchmark -> what a reader of its numbers has to know
    "tooleyes": {
        "tools": "simulated: documentation errors (DE) as the documented signatures decide them, "
        "results made up; CE and VA cannot be held beside those of real tools"
    },
}
ALL = "all"  # --level: every one


def benchmark_sets(
    benchmark: str, folder: str | None, names: Sequence[str] | None, level: str, limit: int | None
) -> Sets:
    """The first `limit` cases of each set. InputError for an unknown set and for a file that is
    missing or altered.
    """
    if folder is None:
        raise InputError(f"--data: --benchmark {benchmark} needs the folder of its files, expected "
                         "a clone of its repository")  # fmt: skip
    names = names or SETS[benchmark][:1]
    if unknown := [name for name in names if name not in SETS[benchmark]]:
        raise InputError(f"--sets {unknown[0]}: {benchmark} has no such set, expected some of "
                         f"{', '.join(SETS[benchmark])}")  # fmt: skip
    sets = {}
    for name in names:
        if benchmark == "rotbench":
            sets |= _rotbench(folder, name, LEVELS if level == ALL else (level,))
        elif benchmark == "bfcl":
            read = read_exec(folder) if name == "exec" else read_ast(folder, name)
            sets[f"bfcl/{name}"] = read
        else:
            read = read_toolalpaca if benchmark == "toolalpaca" else read_tooleyes
            sets[benchmark] = read(folder)
    return _told_apart({name: items[:limit] for name, items in sets.items()})


def protocols_of(name: str, dialect: str) -> dict[str, Protocol]:
    """How the first calls of a set are counted; none beside the main one for the world's."""
    benchmark = name.partition("/")[0]
    if benchmark == "rotbench":
        return {"official": partial(official, dialect=dialect), "fixed": fixed}
    if benchmark in ("bfcl", "toolalpaca"):
        return {"fixed": fixed, "first_gold": first_gold, "all_calls": all_calls}
    return {}


def _rotbench(folder: str, turn: str, levels: Sequence[str]) -> Sets:
    place = "rotbench/" if turn == "first" else f"rotbench/{turn}/"
    return {f"{place}{level}": read_rotbench(folder, level, turn) for level in levels}


def _told_apart(sets: Sets) -> Sets:
    """Ids that stand in several sets get the name of their set in front, in all of them."""
    ids = [item.conversation.id for items in sets.values() for item in items]
    if len(set(ids)) == len(ids):
        return sets
    return {name: [_renamed(item, name) for item in items] for name, items in sets.items()}


def _renamed(item: Question, name: str) -> Question:
    number = f"{name.partition('/')[2]}/{item.conversation.id}"
    return Question(replace(item.conversation, id=number), replace(item.case, id=number))
