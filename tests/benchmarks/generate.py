"""Seconds of batched generation on CPU, beside transformers.

    python tests/benchmarks/generate.py [--rounds 5] [--threads 2]

The tiny Llama of the tool world with the same random weights: 32 prompts of 100 to 600 tokens, 64
new tokens each, greedy, no stop id. transformers, where it is installed, gets the prompts padded on
the left and runs with SDPA and each of its caches (its eager attention and its default settings
are slower); the best of them counts. Runs alternate. The time of processor cores is printed beside
that of the clock, as other work on a machine disturbs it less. Nothing is asserted.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tl.generate import generate  # noqa: E402
from tl.model.config import ModelConfig  # noqa: E402
from tl.model.hf import init_model, save_model  # noqa: E402

ROWS, NEW_TOKENS = 32, 64


def random_prompts(vocabulary: int) -> list[list[int]]:
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(100, 601, (ROWS,), generator=generator).tolist()
    return [torch.randint(2, vocabulary, (n,), generator=generator).tolist() for n in lengths]


def ours(model, prompts):
    def run(new_tokens: int) -> list[list[int]]:
        return generate(model, prompts, max_new_tokens=new_tokens, eos_ids=[]).ids

    return run


def theirs(model, prompts, cache: str):
    longest = max(map(len, prompts))
    ids = torch.tensor([[0] * (longest - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts])

    @torch.inference_mode()
    def run(new_tokens: int) -> list[list[int]]:
        full = model.generate(
            ids, attention_mask=mask, do_sample=False, max_new_tokens=new_tokens,
            min_new_tokens=new_tokens, pad_token_id=0, cache_implementation=cache,
        )  # fmt: skip
        return full[:, longest:].tolist()

    return run


def runners(directory: str) -> dict:
    config = json.loads((ROOT / "tl/world/tiny/config.json").read_text(encoding="utf-8"))
    model = init_model(ModelConfig.from_hf(config), seed=0)
    prompts = random_prompts(config["vocab_size"])
    runs = {"ours": ours(model, prompts)}
    try:
        from transformers import AutoModelForCausalLM
    except ImportError:
        return runs
    save_model(model, Path(directory))
    for cache in ("dynamic", "static"):
        peer = AutoModelForCausalLM.from_pretrained(
            directory, attn_implementation="sdpa", dtype=torch.float32
        )
        runs[f"transformers, {cache} cache"] = theirs(peer.eval(), prompts, cache)
    return runs


def timed(run, new_tokens: int) -> tuple[float, float]:
    clock, cores = time.perf_counter(), time.process_time()
    run(new_tokens)
    return time.perf_counter() - clock, time.process_time() - cores


def measure(runs: dict, rounds: int) -> dict:
    """{(run, new tokens): (median seconds on the clock, median seconds of cores)}."""
    times: dict = {(name, tokens): [] for name in runs for tokens in (1, NEW_TOKENS)}
    for number in range(rounds + 1):  # the first is a warm-up
        for name, tokens in times:
            seconds = timed(runs[name], tokens)
            if number:
                times[name, tokens].append(seconds)
    return {
        key: tuple(statistics.median(part) for part in zip(*each)) for key, each in times.items()
    }


def agreement(runs: dict) -> None:
    """How many of the tokens of each run are ours; random weights leave near ties."""
    expected = runs["ours"](NEW_TOKENS)
    for name, run in runs.items():
        same = sum(a == b for x, y in zip(run(NEW_TOKENS), expected) for a, b in zip(x, y))
        print(f"{name}: {same} of {ROWS * NEW_TOKENS} tokens as ours")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], allow_abbrev=False)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as directory:
        runs = runners(directory)
        peer = sys.modules.get("transformers")
        version = f"transformers {peer.__version__}" if peer else "transformers not installed"
        print(f"torch {torch.__version__}, {version}, {args.threads} threads, float32")
        print(f"{ROWS} prompts, {NEW_TOKENS} new tokens, medians of {args.rounds}")
        agreement(runs)
        medians = measure(runs, args.rounds)
    print("\n| run | seconds | new tokens/s | times ours | of cores | times ours | first token |")
    print("|---|---|---|---|---|---|---|")
    ours_clock, ours_cores = medians["ours", NEW_TOKENS]
    for name in runs:
        clock, cores = medians[name, NEW_TOKENS]
        first = medians[name, 1][0]
        print(f"| {name} | {clock:.3f} | {ROWS * NEW_TOKENS / clock:,.0f} | "
              f"{clock / ours_clock:.2f} | {cores:.3f} | {cores / ours_cores:.2f} | "
              f"{first:.3f} |")  # fmt: skip


if __name__ == "__main__":
    main()
