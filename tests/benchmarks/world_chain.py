"""Base model -> SFT -> PPO -> evaluation on the tool world, for several seeds: the README's tables.

    python tests/benchmarks/world_chain.py --output_dir out/chain [--seeds 1 2 3] [--ppo] [FLAGS]

Evaluates the base model, then trains and evaluates once per seed with the README's own commands;
what is done already in --output_dir is not done again. FLAGS are for SFT, or with --ppo for PPO,
which starts from what SFT left there. Prints mean, lowest and highest of each metric, and the
wall-clock time of each seed. Nothing is asserted.
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
PPO_RECIPE = ROOT / "tl" / "world" / "recipes" / "ppo.json"
# What stands in a row of the table: its title, and where in scores.json.
ROWS = (
    ("seen tools: TS", "seen.ts"),
    ("seen tools: PI", "seen.pi"),
    ("seen tools: CF", "seen.cf"),
    ("unseen tools: TS", "unseen.ts"),
    ("unseen tools: PI", "unseen.pi"),
    ("unseen tools: CF", "unseen.cf"),
    ("several turns: DE (lower is better)", "multi.de"),
    ("several turns: CE (lower is better)", "multi.ce"),
    ("several turns: VA", "multi.va"),
    ("over-calling, tools seen (lower is better)", "seen.direct.over_calling"),
    ("over-calling, tools unseen (lower is better)", "unseen.direct.over_calling"),
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


def chain(seed: int, output_dir: Path, flags: list[str], ppo: bool) -> tuple[dict, float]:
    """Trains and evaluates: the scores, and the seconds of what was not done already."""
    model, seconds = output_dir / f"{'ppo' if ppo else 'sft'}-{seed}", 0.0
    if not (model / "model.safetensors").is_file():
        script = "train_ppo.py" if ppo else "train_sft.py"
        sft = str(output_dir / f"sft-{seed}")
        start = ["--config", str(PPO_RECIPE), "--model", sft] if ppo else []
        where = ["--seed", str(seed), "--output_dir", str(model)]
        seconds = call(script, *start, *where, *flags)
    scores, more = evaluate(str(model), output_dir / f"eval-{model.name}")
    return scores, seconds + more


def value(scores: dict, place: str) -> float:
    for key in place.split("."):
        scores = scores[key]
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output_dir", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--ppo", action="store_true", help="train by PPO what SFT left there")
    args, flags = parser.parse_known_args()

    base, base_seconds = evaluate("world", args.output_dir / "eval-base")
    sft = [chain(seed, args.output_dir, [] if args.ppo else flags, False) for seed in args.seeds]
    runs = {"SFT": sft}
    if args.ppo:
        runs["PPO"] = [chain(seed, args.output_dir, flags, True) for seed in args.seeds]
    cores = torch.get_num_threads()
    print(f"\ntorch {torch.__version__}, {cores} threads, {platform.machine()}; seeds {args.seeds}")
    print(f"base evaluated in {base_seconds:.0f} s")
    for name, of in runs.items():
        took = ", ".join(f"{seconds:.0f}" for _, seconds in of)
        print(f"{name} and its evaluation took {took} s (0: was there)")
    titles = "".join(f" after {name} | lowest | highest |" for name in runs)
    print(f"\n| | base |{titles}\n|---|--:|{'--:|--:|--:|' * len(runs)}")
    for title, place in ROWS:
        cells = [value(base, place)]
        for of in runs.values():
            found = [value(scores, place) for scores, _ in of]
            cells += [mean(found), min(found), max(found)]
        print(f"| {title} | {' | '.join(f'{cell:.1f}' for cell in cells)} |")


if __name__ == "__main__":
    main()
