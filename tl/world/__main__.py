"""Writes the world's data sets: python -m tl.world --write DIR [--seed N]"""

import argparse
import sys
from collections import Counter

from tl import InputError
from tl.world.datasets import (
    RL_ENTRIES,
    TEST_TRAJECTORIES,
    TRAIN_TRAJECTORIES,
    Datasets,
    write_datasets,
)
from tl.world.heldout import CASES, Case
from tl.world.rl import Entry
from tl.world.teacher import Trajectory
from tl.world.tools import ALWAYS, FAMILIES, TOOLS
from tl.world.unseen import UNSEEN


def main(argv: list[str] | None = None) -> int:
    parser = build_parser()
    args = parser.parse_args(argv)
    if not args.write.strip():
        parser.error("--write: expected a directory, got an empty name")
    try:
        made = write_datasets(
            args.write, args.seed, args.trajectories, args.test_trajectories, args.rl_entries,
            args.cases,
        )  # fmt: skip
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"error: {error.filename2 or error.filename or args.write}: {error.strerror}",
            file=sys.stderr,
        )
        return 1
    tasks = sum(len(family.tasks) for family in FAMILIES.values())
    print(
        f"{len(TOOLS) - len(ALWAYS)} tools ({len(UNSEEN)} unseen) in {len(FAMILIES) - 1} families, "
        f"{tasks} tasks; written to {args.write}"
    )
    print(summary(made))
    return 0


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tl.world",
        description="Write the data sets of the embedded tool world.",
        allow_abbrev=False,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--write", metavar="DIR", required=True, help="directory of the files")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same bytes")
    parser.add_argument("--trajectories", type=count, default=TRAIN_TRAJECTORIES, help="train")
    parser.add_argument("--test_trajectories", type=count, default=TEST_TRAJECTORIES, help="test")
    parser.add_argument("--rl_entries", type=count, default=RL_ENTRIES, help="rl")
    parser.add_argument("--cases", type=count, default=CASES, help="of each held-out set")
    return parser


def summary(made: Datasets) -> str:
    """One table: trajectories, entries and cases; families, kinds of requests, calls, mistakes."""
    columns = {split: _counts(content) for split, content in made.trajectories.items()}
    columns["rl"] = _count_entries(made.entries)
    for name, cases in made.cases.items():
        if not name.startswith("noise"):
            columns[name] = _count_cases(cases)
    keys = dict.fromkeys(key for counts in columns.values() for key in counts)
    lines = [f"{'':32}" + "".join(f"{column:>15}" for column in columns)]
    for key in sorted(keys, key=lambda key: (key != "records", key)):
        lines.append(f"{key:32}" + "".join(f"{counts[key]:>15,}" for counts in columns.values()))
    shares = [_erroneous_share(content) for content in made.trajectories.values()]
    lines.append(f"{'erroneous trajectories, %':32}" + "".join(f"{s:>15.2f}" for s in shares))
    return "\n".join(lines)


def _count_entries(entries: list[Entry]) -> Counter:
    counts = Counter(f"family: {entry.family}" for entry in entries)
    counts.update(f"gold: {entry.kind}" for entry in entries)
    return counts + Counter(records=len(entries))


def _count_cases(cases: list[Case]) -> Counter:
    counts = Counter(f"family: {case.family}" for case in cases)
    counts.update(f"gold: {case.kind}" for case in cases)
    counts.update(f"scenario: {case.scenario}" for case in cases)
    return counts + Counter(records=len(cases))


def _counts(trajectories: list[Trajectory]) -> Counter:
    counts = Counter()
    for trajectory in trajectories:
        messages = trajectory.conversation.messages
        counts["records"] += 1
        counts[f"family: {trajectory.family}"] += 1
        counts[f"request: {trajectory.kind}"] += 1
        counts["calls with feedback"] += sum(message.role == "tool" for message in messages)
        for label in trajectory.labels:
            counts[f"label: {label.category}"] += 1
    return counts


def _erroneous_share(trajectories: list[Trajectory]) -> float:
    wrong = sum(any(label.is_error for label in t.labels) for t in trajectories)
    return 100 * wrong / max(1, len(trajectories))


def count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative, expected a count")
    return value


if __name__ == "__main__":
    sys.exit(main())
