"""The benchmarks by name: which sets each has, and by which protocols they are counted.

    toolalpaca    toolalpaca
    rotbench      rotbench/clean ... rotbench/union (--level); rotbench/third/clean ... with --sets
    bfcl          bfcl/exec; bfcl/simple ... bfcl/parallel_multiple with --sets
    tooleyes      tooleyes, played
    mmlu, gsm8k, humaneval     general ability, in plain text
    all           of each that lies below one folder, the first set
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from tl import InputError
from tl.bench import gsm8k, humaneval, rotbench, toolalpaca, tooleyes
from tl.bench.bfcl import AST, read_ast, read_exec
from tl.bench.bfcl_files import V3, V4
from tl.bench.mmlu import has_mmlu, read_mmlu
from tl.bench.protocols import Protocol, all_calls, first_gold, fixed
from tl.bench.records import Item, Play, Sets, item_id, renamed
from tl.bench.rotbench import LEVELS, TURNS, official, read_rotbench
from tl.bench.tool_library import ToolLibrary
from tl.bench.upstream import Upstream, find

SETS = {  # benchmark -> its sets; the first is read where none is named
    "toolalpaca": ("toolalpaca",),
    "rotbench": tuple(TURNS),
    "bfcl": ("exec", *AST),
    "tooleyes": ("tooleyes",),
    "mmlu": ("mmlu",),
    "gsm8k": ("gsm8k",),
    "humaneval": ("humaneval",),
}
RUNS_CODE = "humaneval"  # the one benchmark that runs what a model wrote
READ: dict[str, Callable[[str], list[Item]]] = {
    "toolalpaca": toolalpaca.read_toolalpaca,
    "mmlu": read_mmlu,
    "gsm8k": gsm8k.read_gsm8k,
    "humaneval": humaneval.read_humaneval,
}
MARKS: dict[str, list[tuple[Upstream, str]]] = {  # any of these files: the benchmark is there
    "toolalpaca": [(toolalpaca.UPSTREAM, toolalpaca.FILE)],
    "rotbench": [(rotbench.UPSTREAM, "First_Turn/clean.json")],
    "bfcl": [(V3, "BFCL_v3_exec_simple.json"),
             (V4, "unused_datasets/question/BFCL_v4_exec_simple.json")],
    "tooleyes": [(tooleyes.UPSTREAM, tooleyes.FILE)],
    "gsm8k": [(gsm8k.UPSTREAM, gsm8k.TEST)],
    "humaneval": [(humaneval.UPSTREAM, name) for name in humaneval.FILES],
}  # fmt: skip
NOTES = {  # benchmark -> what a reader of its numbers has to know
    "tooleyes": "simulated tools: documentation errors (DE) as the documented signatures decide "
    "them, results made up; CE and VA cannot be held beside those of real tools",
    "mmlu": "the likeliest of the letters A to D, 5 solved questions of the subject before it",
    "gsm8k": "the final number, behind the first 8 problems of the training file, solved",
    "humaneval": "pass@1, one program for each function",
}
LIBRARY_NOTE = (
    "tools of {library.folder}, each toolbox in a process of its own, {library.seconds:g} s a call"
)
ALL = "all"  # --benchmark, --level: every one


def benchmark_sets(
    benchmark: str, folder: str | None, names: Sequence[str] | None, level: str, limit: int | None,
    library: ToolLibrary | None = None,
) -> Sets:  # fmt: skip
    """The first `limit` cases of each set. library: the tools of ToolEyes themselves. InputError
    for an unknown set and for a file that is missing or altered.
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
        elif benchmark == "tooleyes":
            sets[benchmark] = _tooleyes(folder, library, limit)
        else:
            sets[benchmark] = READ[benchmark](folder)
    return _told_apart({name: items[:limit] for name, items in sets.items()})


def all_sets(
    root: str | None, level: str, limit: int | None, runs_code: bool,
    library: ToolLibrary | None = None,
) -> tuple[Sets, list[str]]:  # fmt: skip
    """The first set of every benchmark below `root`, or in a folder of it; and one line for each
    that is left out. Every id has the name of its benchmark in front. InputError if none is there.
    """
    if root is None or not Path(root).is_dir():
        got = "no folder" if root is None else f"{root}, which is none"
        raise InputError(f"--data_root: --benchmark all needs the folder that the clones of the "
                         f"benchmarks lie in, got {got}")  # fmt: skip
    sets, absent = {}, []
    for benchmark in SETS:
        folder = _folder_of(benchmark, Path(root))
        if folder is None:
            absent.append(f"{benchmark}: absent, no folder in {root} has its files")
        elif benchmark == RUNS_CODE and not runs_code:
            absent.append(f"{benchmark}: left out, its programs run only under "
                          "--allow_code_execution")  # fmt: skip
        else:
            found = benchmark_sets(benchmark, str(folder), None, level, limit, library)
            sets |= {
                name: [renamed(each, f"{benchmark}/{item_id(each)}") for each in items]
                for name, items in found.items()
            }
    if not sets:
        raise InputError(f"--data_root {root}: has none of the benchmarks, expected clones of some "
                         f"of {', '.join(SETS)}")  # fmt: skip
    return sets, absent


def protocols_of(name: str, dialect: str) -> dict[str, Protocol]:
    """How the first calls of a set are counted; none beside the main one for the world's."""
    benchmark = name.partition("/")[0]
    if benchmark == "rotbench":
        return {"official": partial(official, dialect=dialect), "fixed": fixed}
    if benchmark in ("bfcl", "toolalpaca"):
        return {"fixed": fixed, "first_gold": first_gold, "all_calls": all_calls}
    return {}


def notes_of(
    benchmarks: Iterable[str], library: ToolLibrary | None = None
) -> dict[str, str]:  # fmt: skip
    """{benchmark: what a reader of its numbers has to know}"""
    notes = {name: NOTES[name] for name in benchmarks if name in NOTES}
    if library is not None and "tooleyes" in notes:
        parts = [LIBRARY_NOTE.format(library=library)]
        if not library.runs_code:
            parts.append("Execute simulated, as it runs code of the model")
        if not library.confined:
            parts.append("this platform let tools write outside of their folder")
        if library.broken:
            first = next(iter(library.broken.items()))
            parts.append(f"{len(library.broken)} toolboxes could not be imported and fail every "
                         f"call, the first {first[0]} ({first[1]})")  # fmt: skip
        notes["tooleyes"] = "; ".join(parts)
    return notes


def _folder_of(benchmark: str, root: Path) -> Path | None:
    """The root itself or the first of its folders that has the benchmark's files."""
    folders = [root, *sorted(each for each in root.iterdir() if each.is_dir())]
    return next((each for each in folders if _is_there(benchmark, each)), None)


def _is_there(benchmark: str, folder: Path) -> bool:
    if benchmark == "mmlu":
        return has_mmlu(folder)
    for upstream, path in MARKS[benchmark]:
        try:
            find(folder, upstream, path)
            return True
        except InputError:
            continue
    return False


def _rotbench(folder: str, turn: str, levels: Sequence[str]) -> Sets:
    place = "rotbench/" if turn == "first" else f"rotbench/{turn}/"
    return {f"{place}{level}": read_rotbench(folder, level, turn) for level in levels}


def _tooleyes(folder: str, library: ToolLibrary | None, limit: int | None) -> list[Play]:
    plays = tooleyes.read_tooleyes(folder, library)[:limit]
    if library is not None:
        library.check(map(tooleyes.toolbox_of, plays))
    return plays


def _told_apart(sets: Sets) -> Sets:
    """Ids that stand in several sets get the name of their set in front, in all of them."""
    ids = [item_id(item) for items in sets.values() for item in items]
    if len(set(ids)) == len(ids):
        return sets
    return {
        name: [renamed(item, f"{name.partition('/')[2]}/{item_id(item)}") for item in items]
        for name, items in sets.items()
    }
