"""Writes the world's data sets: python -m tl.world --write DIR [--seed N] [--trajectories N]"""

import argparse
import sys
from collections import Counter

from tl import InputError
from tl.world.datasets import TEST_TRAJECTORIES, TRAIN_TRAJECTORIES, write_datasets
from tl.world.teacher import Trajectory
from tl.world.tools import FAMILIES, TOOLS


def main(argv: list[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    try:
        made = write_datasets(args.write, args.seed, args.trajectories, args.test_trajectories)
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
    print(f"{len(TOOLS)} tools in {len(FAMILIES)} families, {tasks} tasks; written to {args.write}")
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
    return parser


def summary(made: dict[str, list[Trajectory]]) -> str:
    """A table: one column per split; families, kinds of requests, calls, mistakes."""
    columns = {split: _counts(trajectories) for split, trajectories in made.items()}
    keys = list(dict.fromkeys(key for counts in columns.values() for key in counts))
    lines = [f"{'':32}" + "".join(f"{split:>10}" for split in columns)]
    for key in sorted(keys, key=lambda key: (key.split(":")[0] != "trajectories", key)):
        lines.append(f"{key:32}" + "".join(f"{counts[key]:>10,}" for counts in columns.values()))
    shares = [_erroneous_share(trajectories) for trajectories in made.values()]
    lines.append(f"{'erroneous trajectories, %':32}" + "".join(f"{s:>10.2f}" for s in shares))
    return "\n".join(lines)


def _counts(trajectories: list[Trajectory]) -> Counter:
    counts = Counter()
    for trajectory in trajectories:
        messages = trajectory.conversation.messages
        counts["trajectories"] += 1
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
