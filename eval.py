"""Evaluation: how well a model chooses tools, fills their parameters, and gets to an answer.

    single turn   TS / PI / CF of the first call; over- and under-calling; the anatomy of errors
    multi-turn    DE / CE / VA: the model plays the task to its end, nine turns at most

    python eval.py --model out/sft                                       embedded tool world
    python eval.py --model out/sft --benchmark rotbench --data RoTBench  a published benchmark
    python eval.py --model out/sft --predictions out/eval/predictions.jsonl      score again

The world asks for tools seen in training and never seen, at RoTBench's five levels of noise, and is
played. A benchmark's --data is a clone of its repository (RoTBench, ToolAlpaca, ToolEyes, gorilla
for BFCL-v3) at the commit that `tl/bench/` names; every file is checked against its checksum.

Writes predictions.jsonl (what the model said), scores.json (every number that is printed) and
report.html. Decoding is greedy unless --temperature says otherwise.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import dropwhile
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from tl import InputError
from tl.agent import loop
from tl.agent.feedback import clean
from tl.agent.generation import checked_generate, stop_ids
from tl.agent.reply import decode_reply, read_reply
from tl.bench.anatomy import Encode, name_pieces
from tl.bench.episodes import final_answer
from tl.bench.predictions import read_predictions, render_predictions
from tl.bench.records import (
    AcceptedQuestion, AcceptedSet, AnySet, Episode, MultiSet, Play, Prediction, Sets, SingleSet,
    Turn,
)  # fmt: skip
from tl.bench.report import render_report
from tl.bench.rotbench import LEVELS
from tl.bench.score import score
from tl.bench.suites import ALL, NOTES, SETS, benchmark_sets, protocols_of
from tl.bench.summary import render_summary
from tl.bench.tool_world import world_sets
from tl.calls.schema import Conversation
from tl.data.encode import Encoder
from tl.data.pkt import NameTokens
from tl.data.tokenizer import load_tokenizer
from tl.dialects import DIALECTS, Dialect, get_dialect
from tl.model.hf import load_model
from tl.run import cli, parallel
from tl.run.files import write_atomically
from tl.run.report import run
from tl.world import heldout
from tl.world.case_file import render_cases
from tl.world.case_sets import FILES
from tl.world.datasets import make_cases

WORLD = "world"  # --model world: the base model of the embedded tool world
WORLD_MODEL = Path(__file__).parent / "tl" / "world" / "tiny"

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
    add("--benchmark", choices=(WORLD, *SETS), default=WORLD, help="default: the tool world")
    add("--data", metavar="DIR", help="the benchmark's repository or its data folder; of the "
        "world, sets of `python -m tl.world --write DIR`, default: written from --seed")
    sets = {WORLD: FILES} | SETS
    add("--sets", nargs="+", metavar="SET", choices=[each for of in sets.values() for each in of],
        help="; ".join(f"{name}: {', '.join(of)}" for name, of in sets.items() if len(of) > 1)
        + "; default: all of the world, else the first")
    add("--level", choices=(*LEVELS, ALL), default="clean", help="of noise, in rotbench")
    add("--limit", type=cli.positive_int, metavar="N", help="the first N cases of each set")
    add = parser.add_argument_group("generation").add_argument
    add("--max_new_tokens", type=cli.positive_int, default=256, help="longest reply")
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
    source = WORLD_MODEL if args.model == WORLD else args.model
    dialect, sets = get_dialect(args.dialect, source), read_sets(args)
    rows = None if args.predictions is None else read_rows(args.predictions, sets)
    output_dir = Path(args.output_dir)
    output_dir.mkdir(parents=True, exist_ok=True)
    cli.write_train_args(output_dir, args, world_size=1)

    # --- what the model says
    if rows is None:
        rows = answer(sets, source, args)
        write_atomically(output_dir / "predictions.jsonl", render_predictions(rows))

    # --- what it is worth
    found = list(records(sets, rows, dialect, args.benchmark))
    encode = name_encoder(source) if source else name_pieces
    scores = score(found, encode)
    facts = {
        "model": args.model or f"replies of {args.predictions}", "benchmark": args.benchmark,
        "dialect": dialect.name, "sets": args.data or f"written from seed {args.seed}",
        **NOTES.get(args.benchmark, {}),
        "cases": f"the first {args.limit} of each set" if args.limit else "all",
        "sampling": f"temperature {args.temperature:g}" if args.temperature else "greedy",
        "longest reply": f"{args.max_new_tokens} tokens",
        "tokens of tool names": "the tokenizer's" if source else "words, no tokenizer was given",
    }  # fmt: skip
    page = render_report(scores, found, facts, encode)
    text = json.dumps({"run": facts, **scores}, indent=2) + "\n"
    write_atomically(output_dir / "scores.json", text)
    write_atomically(output_dir / "report.html", page)
    print(render_summary(scores, args.benchmark))
    print(f"\nwritten to {output_dir}: scores.json, report.html")
    return 0


# --- sets


def read_sets(args: argparse.Namespace) -> Sets:
    """The questions and plays of each set, by its name in scores.json."""
    if args.benchmark != WORLD:
        return benchmark_sets(args.benchmark, args.data, args.sets, args.level, args.limit)
    names = args.sets or list(FILES)
    if foreign := [name for name in names if name not in FILES]:
        raise InputError(f"--sets {foreign[0]}: the world has no such set, expected some of "
                         f"{', '.join(FILES)}")  # fmt: skip
    folder = Path(args.data or Path(args.output_dir) / "data")
    if args.data is None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, cases in make_cases(heldout.CASES, args.seed).items():
            write_atomically(folder / f"{name}.json", render_cases(cases))
    return world_sets(folder, names, args.limit)


def is_played(items: Sequence) -> bool:
    return isinstance(items[0], Play)


def read_rows(path: str, sets: Sets) -> list[Row]:
    played = {each.conversation.id for of in sets.values() if is_played(of) for each in of}
    return read_predictions(path, row_ids(sets), played)


def row_ids(sets: Sets) -> list[str]:
    """The lines of predictions.jsonl, in the order of the sets."""
    return [each.conversation.id for items in sets.values() for each in items]


# --- generation


class Model:
    """What generating needs: prompts to replies, and what a reply's ids mean."""

    def __init__(self, source: str | Path, args: argparse.Namespace):
        group = parallel.start(args.device)
        if group.size > 1:
            raise InputError(f"eval.py runs in one process, got {group.size}; use python, not "
                             "torchrun")  # fmt: skip
        self.tokenizer = load_tokenizer(source)
        self.encoder = Encoder(self.tokenizer, get_dialect(args.dialect, source))
        dtype = parallel.compute_dtype(args.dtype, group.device)
        model = load_model(source, dtype, group.device).eval()
        self.positions = model.config.max_position_embeddings
        self.eos_ids = stop_ids(self.encoder, model, str(source))
        self.generate = partial(
            checked_generate, model, source=str(source), max_new_tokens=args.max_new_tokens,
            temperature=args.temperature, eos_ids=self.eos_ids,
            generator=torch.Generator(group.device).manual_seed(args.seed),
        )  # fmt: skip


def answer(sets: Sets, source: str | Path, args: argparse.Namespace) -> list[Row]:
    """The rows of predictions.jsonl, in the order of the sets."""
    model = Model(source, args)
    single = [each.conversation for of in sets.values() if not is_played(of) for each in of]
    said = first_replies(model, single, args.batch_size)
    rows = [{"id": shown.id} | reply for shown, reply in zip(single, said, strict=True)]
    plays = [each for items in sets.values() if is_played(items) for each in items]
    for shown, episode in zip(plays, play(model, plays, args.batch_size), strict=True):
        turns = [{"text": turn.text, "feedback": turn.feedback} for turn in episode.turns]
        rows.append({"id": shown.conversation.id, "turns": turns, "end": episode.end.value})
    by_id = {row["id"]: row for row in rows}
    return [by_id[each] for each in row_ids(sets)]


def first_replies(model, conversations: Sequence[Conversation], batch_size: int) -> list[Row]:
    """{"text"} of one reply to each, and "cut" where it grew too long. Equal prompts are answered
    once; a prompt that fills the context, so that no token could follow, gets a blank reply.
    """
    prompts = [tuple(model.encoder.prompt_ids(each)) for each in conversations]
    waiting = [p for p in dict.fromkeys(prompts) if len(p) < model.positions]
    waiting.sort(key=len, reverse=True)
    said: dict[tuple, Row] = dict.fromkeys(prompts, {"text": ""})
    with tqdm(total=len(waiting), desc="first calls", unit="case", disable=None) as bar:
        for start in range(0, len(waiting), batch_size):
            batch = waiting[start : start + batch_size]
            made = model.generate(list(map(list, batch)))
            for prompt, ids, is_whole in zip(batch, made.ids, made.finished, strict=True):
                said[prompt] = {"text": decode_reply(ids, model.tokenizer, model.eos_ids)}
                said[prompt] |= {} if is_whole else {"cut": True}
            bar.update(len(batch))
    if full := sum(len(prompt) >= model.positions for prompt in prompts):
        print(f"{full} of {len(prompts)} prompts fill the {model.positions:,} positions of the "
              "model; their replies count as blank")  # fmt: skip
    return [said[prompt] for prompt in prompts]


def play(model, plays: Sequence[Play], batch_size: int) -> list[loop.Episode]:
    """Each task played to its end."""
    player = loop.Loop(
        model.tokenizer, model.encoder.dialect, model.generate,
        max_positions=model.positions, eos_ids=model.eos_ids,
    )  # fmt: skip
    episodes = []
    with tqdm(total=len(plays), desc="episodes", unit="case", disable=None) as bar:
        for start in range(0, len(plays), batch_size):
            batch = plays[start : start + batch_size]
            episodes += player.run([to_task(each) for each in batch])
            bar.update(len(batch))
    return episodes


def to_task(each: Play) -> loop.Task:
    return loop.Task(each.conversation, each.execute, lambda question: each.reply)


# --- from the replies to the records that are scored


def records(sets: Sets, rows: Sequence[Row], dialect: Dialect, benchmark: str) -> Iterator[AnySet]:
    """Each set with what was said to it; the rows stand in the order of the sets."""
    rest, protocols = iter(rows), protocols_of(benchmark, dialect.name)
    for name, items in sets.items():
        both = [(each.conversation, next(rest)) for each in items]
        if is_played(items):
            episodes = tuple(to_episode(shown, row, dialect) for shown, row in both)
            yield MultiSet(name, tuple(each.task for each in items), episodes)
            continue
        said = tuple(to_prediction(shown, row, dialect) for shown, row in both)
        if isinstance(items[0], AcceptedQuestion):
            yield AcceptedSet(name, tuple(items), said)
        else:
            yield SingleSet(name, tuple(each.case for each in items), said, protocols)


def to_prediction(shown: Conversation, row: Row, dialect: Dialect) -> Prediction:
    reply = read_reply(row["text"], dialect, {tool.name for tool in shown.tools})
    is_cut = row.get("cut", False) and reply.call is None
    calls = dialect.parse(row["text"]).calls if reply.call else ()
    return Prediction(row["text"], reply.call, is_cut or reply.error is not None, calls)


def to_episode(shown: Conversation, row: Row, dialect: Dialect) -> Episode:
    turns = []
    for turn in row["turns"]:
        said = to_prediction(shown, turn, dialect)
        turns.append(Turn(said.text, said.call, turn["feedback"], said.malformed))
    return Episode(tuple(turns), row["end"], final_answer(turns, row["end"]))


def name_encoder(source: str | Path) -> Encode:
    """Tokens of a tool name as they stand in a reply, as training sees them, without a space that
    is a token of its own.
    """
    tokenizer = load_tokenizer(source)
    tokens = NameTokens(tokenizer)

    def encode(name: str) -> list[int]:
        ids = tokens(clean(name), " ")
        return list(dropwhile(lambda token: not tokenizer.decode_segment([token]).strip(), ids))

    return encode


if __name__ == "__main__":
    run(main)
