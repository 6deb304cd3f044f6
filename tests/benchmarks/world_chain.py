"""Base model -> SFT -> evaluation on the tool world, for several seeds: the table of the README.

    python tests/benchmarks/world_chain.py --output_dir out/chain [--seeds 1 2 3] [FLAGS OF SFT]

Evaluates the base model, then trains and evaluates once per seed with the README's own commands;
what is done already in --output_dir is not done again. Prints mean, lowest and highest of each
metric, and the wall-clock time of the first chain. Nothing is asserted.
"""

import argparse
import json
import platform
import subprocess
import sys
import time
from pathlib import Path
from statistics import mean

import torch

ROOT = Path(__file__).resolve().parents[2]
# What stands in a row of the table: its title, the set of scores.json, the metric.
ROWS = (
    ("seen tools: TS", "seen", "ts"),
    ("seen tools: PI", "seen", "pi"),
    ("seen tools: CF", "seen", "cf"),
    ("unseen tools: TS", "unseen", "ts"),
    ("unseen tools: PI", "unseen", "pi"),
    ("unseen tools: CF", "unseen", "cf"),
    ("several turns: DE (lower is better)", "multi", "de"),
    ("several turns: CE (lower is better)", "multi", "ce"),
    ("several turns: VA", "multi", "va"),
)


def call(script: str, *flags: str) -> float:
    """Runs a script of the repository; the seconds that it took."""
    start = time.perf_counter()
    subprocess.run([sys.executable, str(ROOT / script), *flags], cwd=ROOT, check=True)
    return time.perf_counter() - start


def evaluate(model: str, folder: Path) -> tuple[dict, float]:
    """The scores of a model, and the seconds that they took (0: they were there)."""
    seconds = 0.0
    if not (folder / "scores.json").is_file():
        seconds = call("eval.py", "--model", model, "--output_dir", str(folder))
    return json.loads((folder / "scores.json").read_text()), seconds


def chain(seed: int, output_dir: Path, flags: list[str]) -> tuple[dict, float]:
    """Trains and evaluates: the scores, and the seconds of what was not done already."""
    model, seconds = output_dir / f"sft-{seed}", 0.0
    if not (model / "model.safetensors").is_file():
        seconds = call("train_sft.py", "--seed", str(seed), "--output_dir", str(model), *flags)
    scores, more = evaluate(str(model), output_dir / f"eval-{seed}")
    return scores, seconds + more


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output_dir", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    args, flags = parser.parse_known_args()

    base, base_seconds = evaluate("world", args.output_dir / "eval-base")
    runs = [chain(seed, args.output_dir, flags) for seed in args.seeds]
    cores = torch.get_num_threads()
    print(f"\ntorch {torch.__version__}, {cores} threads, {platform.machine()}; seeds {args.seeds}")
    print(f"base evaluated in {base_seconds:.0f} s, the chains took "
          f"{', '.join(f'{seconds:.0f}' for _, seconds in runs)} s\n")  # fmt: skip
    print("| | base | after SFT | lowest | highest |\n|---|--:|--:|--:|--:|")
    for title, name, metric in ROWS:
        found = [scores[name][metric] for scores, _ in runs]
        print(f"| {title} | {base[name][metric]:.1f} | {mean(found):.1f} "
              f"| {min(found):.1f} | {max(found):.1f} |")  # fmt: skip


if __name__ == "__main__":
    main()
