"""Evaluation: how well a model chooses tools, fills their parameters, and gets to an answer.

    single turn   TS / PI / CF of the first call; over- and under-calling; the anatomy of errors
    multi-turn    DE / CE / VA: the model plays the task to its end, nine turns at most

    python eval.py --model out/sft                                       embedded tool world
    python eval.py --model out/sft --benchmark rotbench --data RoTBench  a published benchmark
    python eval.py --model out/sft --benchmark all --data_root clones    every one that is there
    python eval.py --model out/sft --predictions out/eval/predictions.jsonl      score again

The world asks for tools seen in training and never seen, at RoTBench's five levels of noise, and is
played. A benchmark's --data is a clone of its repository (RoTBench, ToolAlpaca, ToolEyes, gorilla
for BFCL-v3) at the commit that `tl/bench/` names; every file is checked against its checksum.

Writes predictions.jsonl (what the model said), scores.json (every number that is printed) and
report.html. A run that was killed goes on where it was when it is started again. Decoding is greedy
unless --temperature says otherwise.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from tl import InputError
from tl.answers.asking import answer, digest, row_ids
from tl.answers.journal import Journal
from tl.answers.model import LONGEST, Model, fingerprint, name_encoder
from tl.answers.reading import records
from tl.bench import gsm8k, humaneval
from tl.bench.anatomy import name_pieces
from tl.bench.beside_paper import paper_numbers
from tl.bench.predictions import read_predictions, render_predictions
from tl.bench.records import Play, Sets, item_id
from tl.bench.report import render_report
from tl.bench.rotbench import LEVELS
from tl.bench.score import score
from tl.bench.suites import ALL, RUNS_CODE, SETS, all_sets, benchmark_sets, notes_of
from tl.bench.summary import render_summary
from tl.bench.tool_library import ToolLibrary
from tl.bench.tool_world import world_sets
from tl.dialects import DIALECTS, Dialect, get_dialect
from tl.durable_file import write_atomically
from tl.model.hf import load_config
from tl.run import cli
from tl.run.report import run
from tl.world import heldout
from tl.world.case_file import render_cases
from tl.world.case_sets import FILES
from tl.world.datasets import make_cases

WORLD = "world"  # --model world: the base model of the embedded tool world
WORLD_MODEL = Path(__file__).parent / "tl" / "world" / "tiny"
WORLD_LONGEST = 128  # tokens; its longest right reply has some 80 of its tokenizer's

Row = dict[str, Any]


# fmt: off
def build_parser() -> argparse.ArgumentParser:
    parser = cli.new_parser(__doc__)
    add = parser.add_argument_group("what is evaluated").add_argument
    add("--model", metavar="DIR", help="Hugging Face directory, or `world`: its base model")
    add("--predictions", metavar="FILE",
        help="score these replies; the model is not run, --model only lends its tokenizer")
    add("--dialect", choices=DIALECTS, default="auto",
        help="how calls are written; auto: as in training, or as the model's template says")
    add("--benchmark", choices=(WORLD, *SETS, ALL), default=WORLD,
        help="default: the tool world; all: every one below --data_root")
    add("--data", metavar="DIR", help="the benchmark's repository or its data folder; of the "
        "world, sets of `python -m tl.world --write DIR`, default: written from --seed")
    add("--data_root", metavar="DIR", help="for --benchmark all: the folder of their folders")
    sets = {WORLD: FILES} | SETS
    add("--sets", nargs="+", metavar="SET", choices=[each for of in sets.values() for each in of],
        help="; ".join(f"{name}: {', '.join(of)}" for name, of in sets.items() if len(of) > 1)
        + "; default: all of the world, else the first")
    add("--level", choices=(*LEVELS, ALL), default="clean", help="of noise, in rotbench")
    add("--allow_code_execution", action="store_true",
        help="humaneval: run the programs that the model writes, confined as the platform allows")
    add("--tool_library", metavar="DIR", help="tooleyes: run its tools, from your own clone of it; "
        "they use the network and the keys that you have written there")
    add("--tool_python", metavar="FILE", default=sys.executable,
        help="the Python that has the packages of --tool_library")
    add("--limit", type=cli.positive_int, metavar="N", help="the first N cases of each set")
    add = parser.add_argument_group("generation").add_argument
    add("--max_new_tokens", type=cli.positive_int,
        help=f"longest reply; default: {LONGEST}, the tool world {WORLD_LONGEST}, "
        f"gsm8k {gsm8k.LONGEST}, humaneval {humaneval.LONGEST}")
    add("--temperature", type=cli.non_negative_float, default=0.0, help="0: the likeliest token")
    add("--batch_size", type=cli.positive_int, default=32, help="prompts, or episodes, at once")
    add("--seed", type=cli.non_negative_int, default=0, help="of the sets and of sampling")
    cli.add_device_flags(add)
    parser.add_argument("--output_dir", default="out/eval",
        help="gets predictions.jsonl, scores.json, report.html, and the sets")
    return parser
# fmt: on


def main(argv: list[str] | None = None) -> int:
    parser = build_parser()
    args = cli.parse_args(parser, argv)
    if args.model is None and args.predictions is None:
        parser.error("--model: name the model to evaluate (or --predictions of an earlier run)")
    if args.benchmark == WORLD:
        args.max_new_tokens = args.max_new_tokens or WORLD_LONGEST
    with open_library(args) or nullcontext() as library:
        evaluate(args, library)
    return 0


def evaluate(args: argparse.Namespace, library: ToolLibrary | None) -> None:
    source = WORLD_MODEL if args.model == WORLD else args.model
    if args.predictions is None:
        load_config(source)  # what is no model is refused before anything is written
    dialect, (sets, absent) = get_dialect(args.dialect, source), read_sets(args, library)
    rows = None if args.predictions is None else read_rows(args.predictions, sets)
    output_dir = Path(args.output_dir)
    output_dir.mkdir(parents=True, exist_ok=True)
    cli.write_train_args(output_dir, args, world_size=1)

    # --- what the model says
    journal = None
    if rows is None:
        journal = Journal(output_dir, settings(args, source, dialect, sets))
        rows = ask(sets, source, args, journal)
        write_atomically(output_dir / "predictions.jsonl", render_predictions(rows))

    # --- what it is worth
    found = list(records(sets, rows, dialect))
    encode = name_encoder(source) if source else name_pieces
    scores, facts = score(found, encode), describe(args, dialect, source, sets, absent, library)
    page = render_report(scores, found, facts, encode)
    paper = {"paper": numbers} if (numbers := paper_numbers(scores)) else {}
    text = json.dumps({"run": facts, **scores, **paper}, indent=2) + "\n"
    write_atomically(output_dir / "scores.json", text)
    write_atomically(output_dir / "report.html", page)
    print("\n\n".join([render_summary(scores), *absent]))
    print(f"\nwritten to {output_dir}: scores.json, report.html")
    if journal is not None:
        journal.close()


# --- sets


def read_sets(
    args: argparse.Namespace, library: ToolLibrary | None = None
) -> tuple[Sets, list[str]]:  # fmt: skip
    """What is asked, by set, under its name in scores.json; and what is left out, and why."""
    if args.benchmark == RUNS_CODE and not args.allow_code_execution:
        raise InputError(f"--benchmark {RUNS_CODE}: runs programs that the model wrote, got no "
                         "--allow_code_execution; give it to run them")  # fmt: skip
    if args.benchmark == ALL:
        if args.data or args.sets:
            raise InputError("--benchmark all: takes --data_root and the first set of each, got "
                             f"{'--data' if args.data else '--sets'}; leave it out")  # fmt: skip
        return all_sets(
            args.data_root, args.level, args.limit, args.allow_code_execution, library
        )
    if args.benchmark != WORLD:
        found = benchmark_sets(
            args.benchmark, args.data, args.sets, args.level, args.limit, library
        )
        return found, []
    names = args.sets or list(FILES)
    if foreign := [name for name in names if name not in FILES]:
        raise InputError(f"--sets {foreign[0]}: the world has no such set, expected some of "
                         f"{', '.join(FILES)}")  # fmt: skip
    folder = Path(args.data or Path(args.output_dir) / "data")
    if args.data is None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, cases in make_cases(heldout.CASES, args.seed).items():
            write_atomically(folder / f"{name}.json", render_cases(cases))
    return world_sets(folder, names, args.limit), []


def open_library(args: argparse.Namespace) -> ToolLibrary | None:
    """The tools of ToolEyes themselves, where they are asked for."""
    if args.tool_library is None or args.predictions is not None:
        return None
    if args.benchmark not in ("tooleyes", ALL):
        raise InputError("--tool_library: serves --benchmark tooleyes, got --benchmark "
                         f"{args.benchmark}; leave it out")  # fmt: skip
    return ToolLibrary(args.tool_library, args.tool_python, args.allow_code_execution)


def read_rows(path: str, sets: Sets) -> list[Row]:
    """The rows of an earlier run, in the order of the sets."""
    items = [each for of in sets.values() for each in of]
    played = {item_id(each) for each in items if isinstance(each, Play)}
    return read_predictions(path, row_ids(sets), played)


# --- generation


def ask(sets: Sets, source: str | Path, args: argparse.Namespace, journal: Journal) -> list[Row]:
    """The rows of predictions.jsonl; the model is loaded where the journal lacks some."""
    ids = row_ids(sets)
    if kept := sum(name in journal.rows for name in ids):
        print(f"{journal.path}: {kept:,} of {len(ids):,} cases are answered; delete that file to "
              "ask them again")  # fmt: skip
    if journal.has(ids):
        return [journal.rows[name] for name in ids]
    try:
        return answer(Model(source, args), sets, args.batch_size, journal)
    except KeyboardInterrupt:
        kept = sum(name in journal.rows for name in ids)
        print(f"\n{journal.path}: {kept:,} of {len(ids):,} cases are answered; the same command "
              "goes on from there", file=sys.stderr)  # fmt: skip
        raise


def settings(args: argparse.Namespace, source: str | Path, dialect: Dialect, sets: Sets) -> Row:
    """All that decides what is said, for the journal."""
    flags = ("max_new_tokens", "temperature", "seed", "batch_size", "device", "dtype",
             "tool_library")  # fmt: skip
    return {
        "model": f"{args.model} ({fingerprint(source)})", "benchmark": args.benchmark,
        "dialect": dialect.name, "cases": digest(sets),
        **{name: getattr(args, name) for name in flags},
    }  # fmt: skip


# --- what stands above the numbers


def describe(
    args: argparse.Namespace, dialect: Dialect, source: str | Path | None, sets: Sets,
    absent: Sequence[str], library: ToolLibrary | None,
) -> Row:  # fmt: skip
    """What a reader of the numbers has to know."""
    benchmarks = dict.fromkeys(name.partition("/")[0] for name in sets)
    again = args.predictions is not None
    facts = {
        "model": f"replies of {args.predictions}, scored again" if again else args.model,
        "benchmark": args.benchmark, "dialect": dialect.name,
        "sets": args.data_root or args.data or f"written from seed {args.seed}",
        "cases": f"the first {args.limit} of each set" if args.limit else "all",
        "sampling": f"temperature {args.temperature:g}, seed {args.seed}"
        if args.temperature else "greedy",
        "longest reply": longest_reply(args, sets),
        **notes_of(benchmarks, library),
    }  # fmt: skip
    if again:
        facts["sampling"] = "that of the run that made the replies"
        if "tooleyes" in facts:
            facts["tooleyes"] = "with the feedback that stands in the replies"
        del facts["longest reply"]
    if absent:
        facts["left out"] = "; ".join(absent)
    words = f"the tokenizer's of {args.model}" if source else "words, no tokenizer was given"
    return facts | {"tokens of tool names": words}


def longest_reply(args: argparse.Namespace, sets: Sets) -> str:
    """In tokens; some questions want more than others."""
    wanted = {name: getattr(items[0], "longest", None) for name, items in sets.items()}
    if args.max_new_tokens or not any(wanted.values()):
        return f"{args.max_new_tokens or LONGEST} tokens"
    return ", ".join(f"{name} {longest or LONGEST}" for name, longest in wanted.items()) + " tokens"


if __name__ == "__main__":
    run(main)
