"""Evaluation: how well a model chooses tools, fills their parameters, and gets to an answer.

    single turn   TS / PI / CF of the first call: tools seen in training, tools never seen, and
                  RoTBench's five levels of noise; over- and under-calling; the anatomy of errors
    multi-turn    DE / CE / VA: the model plays the task in the world, nine turns at most

    python eval.py --model out/sft                                       embedded tool world
    python eval.py --model out/sft --predictions out/eval/predictions.jsonl      score again

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
from tl.bench.episodes import answer_values, final_answer
from tl.bench.predictions import read_predictions, render_predictions
from tl.bench.records import Case, Episode, MultiSet, Prediction, SingleSet, Task, Turn
from tl.bench.report import render_report
from tl.bench.score import score
from tl.bench.summary import render_summary
from tl.calls.schema import Conversation, Message
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
from tl.world.case_sets import FILES, MULTI, Sets, case_id, case_ids, read_sets
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
    add("--benchmark", choices=(WORLD,), default=WORLD, help="the embedded tool world")
    add("--data", metavar="DIR",
        help="held-out sets of `python -m tl.world --write DIR`; default: written from --seed")
    add("--sets", nargs="+", choices=list(FILES), default=list(FILES), metavar="SET",
        help=f"some of: {', '.join(FILES)}")
    add("--limit", type=cli.positive_int, metavar="N", help="the first N cases of each set")
    add = parser.add_argument_group("generation").add_argument
    add("--max_new_tokens", type=cli.positive_int, default=256, help="longest reply")
    add("--temperature", type=cli.non_negative_float, default=0.0, help="0: the likeliest token")
    add("--batch_size", type=cli.positive_int, default=32, help="prompts, or episodes, at once")
    add("--seed", type=cli.non_negative_int, default=0, help="of the sets and of sampling")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto",
        help="auto: cuda where there is one")
    add("--dtype", choices=("auto", "float32", "bfloat16"), default="auto",
        help="auto: bfloat16 on CUDA only")
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
    dialect, sets = get_dialect(args.dialect, source), world_sets(args)
    rows = None if args.predictions is None else read_rows(args.predictions, sets)
    output_dir = Path(args.output_dir)
    output_dir.mkdir(parents=True, exist_ok=True)
    cli.write_train_args(output_dir, args, world_size=1)

    # --- what the model says
    if rows is None:
        rows = answer(sets, source, args)
        write_atomically(output_dir / "predictions.jsonl", render_predictions(rows))

    # --- what it is worth
    found = list(records(sets, rows, dialect))
    encode = name_encoder(source) if source else name_pieces
    scores = score(found, encode)
    facts = {
        "model": args.model or f"replies of {args.predictions}", "benchmark": args.benchmark,
        "dialect": dialect.name, "sets": args.data or f"written from seed {args.seed}",
        "cases": f"the first {args.limit} of each set" if args.limit else "all",
        "sampling": f"temperature {args.temperature:g}" if args.temperature else "greedy",
        "longest reply": f"{args.max_new_tokens} tokens",
        "tokens of tool names": "the tokenizer's" if source else "words, no tokenizer was given",
    }  # fmt: skip
    page = render_report(scores, found, facts, encode)
    text = json.dumps({"run": facts, **scores}, indent=2) + "\n"
    write_atomically(output_dir / "scores.json", text)
    write_atomically(output_dir / "report.html", page)
    print(f"{render_summary(scores)}\n\nwritten to {output_dir}: scores.json, report.html")
    return 0


# --- sets


def world_sets(args: argparse.Namespace) -> Sets:
    """The cases of each set, by its name in scores.json."""
    if args.data is None:
        folder = Path(args.output_dir) / "data"
        folder.mkdir(parents=True, exist_ok=True)
        for name, cases in make_cases(heldout.CASES, args.seed).items():
            write_atomically(folder / f"{name}.json", render_cases(cases))
    else:
        folder = Path(args.data)
    return read_sets(folder, args.sets, args.limit)


def read_rows(path: str, sets: Sets) -> list[Row]:
    return read_predictions(path, case_ids(sets), {case.id for case in sets.get(MULTI, [])})


def opening(case: heldout.Case) -> Conversation:
    return Conversation(case.id, case.tools, (Message("user", case.query),), f"case {case.id}")


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
    single = [(name, case) for name, cases in sets.items() if name != MULTI for case in cases]
    said = first_replies(model, [opening(case) for _, case in single], args.batch_size)
    rows = [{"id": case_id(*pair)} | reply for pair, reply in zip(single, said, strict=True)]
    episodes = play(model, sets.get(MULTI, []), args.batch_size)
    for case, episode in zip(sets.get(MULTI, []), episodes, strict=True):
        turns = [{"text": turn.text, "feedback": turn.feedback} for turn in episode.turns]
        rows.append({"id": case.id, "turns": turns, "end": episode.end.value})
    by_id = {row["id"]: row for row in rows}
    return [by_id[each] for each in case_ids(sets)]


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


def play(model, cases: Sequence[heldout.Case], batch_size: int) -> list[loop.Episode]:
    """Each case played in the world to its end."""
    player = loop.Loop(
        model.tokenizer, model.encoder.dialect, model.generate,
        max_positions=model.positions, eos_ids=model.eos_ids,
    )  # fmt: skip
    episodes = []
    with tqdm(total=len(cases), desc="episodes", unit="case", disable=None) as bar:
        for start in range(0, len(cases), batch_size):
            batch = cases[start : start + batch_size]
            episodes += player.run([to_play(case) for case in batch])
            bar.update(len(batch))
    return episodes


def to_play(case: heldout.Case) -> loop.Task:
    reply = case.reply or heldout.NOTHING_TO_ADD
    return loop.Task(opening(case), heldout.Play(case).execute, lambda question: reply)


# --- from the world and the model to the records that are scored


def records(sets: Sets, rows: Sequence[Row], dialect: Dialect) -> Iterator[SingleSet | MultiSet]:
    """Each set with what was said to it; the rows stand in the order of the sets."""
    rest = iter(rows)
    for name, cases in sets.items():
        said = [next(rest) for _ in cases]
        both = list(zip(cases, said, strict=True))
        if name == MULTI:
            episodes = tuple(to_episode(case, row, dialect) for case, row in both)
            yield MultiSet(name, tuple(map(to_task, cases)), episodes)
            continue
        predictions = tuple(to_prediction(case, row, dialect) for case, row in both)
        yield SingleSet(name, tuple(to_case(name, case) for case in cases), predictions)


def to_case(name: str, case: heldout.Case) -> Case:
    names = {"finish": "finish", "ask": "ask_to_user"}
    names = {role: case.renamed.get(tool, tool) for role, tool in names.items()}
    splits = {"scenario": case.scenario}
    number = case_id(name, case)
    return Case(number, case.query, case.tools, case.golds, case.kind, splits, **names)


def to_task(case: heldout.Case) -> Task:
    solution = tuple(step.call for step in case.steps)
    expected = solution[-1].arguments["answer"]
    values = answer_values(expected, [step.feedback for step in case.steps[:-1]])
    splits = {"scenario": case.scenario, "tools": "unseen" if case.unseen else "seen"}
    return Task(case.id, case.query, case.tools, solution, values, case.kind, splits)


def to_prediction(case: heldout.Case, row: Row, dialect: Dialect) -> Prediction:
    reply = read_reply(row["text"], dialect, {tool.name for tool in case.tools})
    is_cut = row.get("cut", False) and reply.call is None
    return Prediction(row["text"], reply.call, is_cut or reply.error is not None)


def to_episode(case: heldout.Case, row: Row, dialect: Dialect) -> Episode:
    turns = []
    for turn in row["turns"]:
        said = to_prediction(case, turn, dialect)
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
