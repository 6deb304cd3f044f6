"""Tokens per second of a whole SFT step (forward to AdamW), beside transformers.

    python tests/benchmarks/sft_step.py [--steps 7] [--threads 2]

The same tiny Llama with the same weights and the same ragged trajectories, of which 20 % of the
tokens are learned, as in tool-use data (prompts and feedback are context). transformers, where it
is installed, runs in three ways, all with SDPA and its own loss; the best of them counts:

    padded      one batch, right-padded to the longest, attention mask
    packed      one row, position_ids restart at 0 in each trajectory (its padding-free form)
    one by one  a forward and backward pass per trajectory, gradients accumulate

Real tokens count, padding does not. Runs alternate; medians are printed. Nothing is asserted.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from kernels import weighted_linear_cross_entropy  # noqa: E402
from tl.model.config import ModelConfig  # noqa: E402
from tl.model.hf import init_model, save_model  # noqa: E402
from tl.run import optim, parallel  # noqa: E402

SHAPES = {
    "hidden 192, 4 layers, V 2048": (192, 512, 4, 6, 2, 2048),
    "hidden 256, 4 layers, V 32016": (256, 688, 4, 8, 4, 32016),
    "hidden 512, 6 layers, V 32016": (512, 1376, 6, 8, 8, 32016),
}
LENGTHS = (310, 420, 505, 640, 380, 760, 290, 455)
LEARNED_SHARE = 0.2


def config_of(shape) -> ModelConfig:
    hidden, inner, layers, heads, kv_heads, vocab = shape
    return ModelConfig.from_hf(
        {
            "model_type": "llama",
            "architectures": ["LlamaForCausalLM"],
            "vocab_size": vocab,
            "hidden_size": hidden,
            "intermediate_size": inner,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "num_key_value_heads": kv_heads,
            "max_position_embeddings": 4096,
            "rms_norm_eps": 1e-5,
            "rope_theta": 10000.0,
            "tie_word_embeddings": False,
        }
    )


def trajectories(vocab: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """(input_ids, targets per position) of each; learned spans of about 25 tokens."""
    generator = torch.Generator().manual_seed(0)
    made = []
    for length in LENGTHS:
        ids = torch.randint(0, vocab, (length,), generator=generator)
        spans = torch.rand(-(-length // 25), generator=generator) < LEARNED_SHARE
        mask = spans.repeat_interleave(25)[:length]
        mask[-2], mask[-1] = True, False
        made.append((ids, torch.where(mask, ids.roll(-1), -100)))
    return made


def ours(model, data):
    optimizer = optim.adamw(model, 1e-4)
    ids, targets = (torch.cat(part) for part in zip(*data, strict=True))
    positions = torch.cat([torch.arange(len(x)) for x, _ in data])
    bounds = torch.tensor([0, *LENGTHS]).cumsum(0).to(torch.int32)
    weights = (targets != -100).float()
    rows = weights.nonzero().flatten()

    def step() -> float:
        hidden = model(ids, positions, bounds)
        coefficients = weights / weights.sum()
        head = model.lm_head.weight
        loss = weighted_linear_cross_entropy(hidden, head, targets, coefficients, rows)
        loss.backward()
        parallel.clip_grad_norm(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.item()

    return step


def theirs(model, data, way: str):
    optimizer = torch.optim.AdamW(model.parameters(), 1e-4, fused=True)
    total = sum(int((targets != -100).sum()) for _, targets in data)
    batches = list(batched(data, way))

    def step() -> float:
        loss = 0.0
        for inputs in batches:
            part = model(**inputs, use_cache=False, num_items_in_batch=total).loss
            part.backward()
            loss += part.item()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss

    return step


def batched(data, way: str):
    """Keyword arguments for transformers; its labels are shifted inside the model."""
    shifted = [(ids, targets.roll(1)) for ids, targets in data]
    if way == "one by one":
        for ids, labels in shifted:
            yield {"input_ids": ids[None], "labels": labels[None]}
    elif way == "packed":
        positions = torch.cat([torch.arange(len(ids)) for ids, _ in shifted])
        ids, labels = (torch.cat(part) for part in zip(*shifted, strict=True))
        yield {"input_ids": ids[None], "labels": labels[None], "position_ids": positions[None]}
    else:
        pad = torch.nn.utils.rnn.pad_sequence
        ids = pad([x for x, _ in shifted], batch_first=True)
        mask = pad([torch.ones_like(x) for x, _ in shifted], batch_first=True)
        labels = pad([y for _, y in shifted], batch_first=True, padding_value=-100)
        yield {"input_ids": ids, "labels": labels, "attention_mask": mask}


def runners(shape, directory: Path) -> dict:
    config = config_of(shape)
    data = trajectories(config.vocab_size)
    save_model(init_model(config, seed=0), directory)
    steps = {"ours": ours(init_model(config, seed=0), data)}
    try:
        from transformers import AutoModelForCausalLM
    except ImportError:
        return steps
    for way in ("padded", "packed", "one by one"):
        model = AutoModelForCausalLM.from_pretrained(
            directory, attn_implementation="sdpa", dtype=torch.float32
        )
        steps[f"transformers, {way}"] = theirs(model.train(), data, way)
    return steps


def measure(steps: dict, rounds: int) -> tuple[dict, dict]:
    """Median seconds of each, alternating, after two warm-up rounds; and the first losses."""
    first = {name: step() for name, step in steps.items()}
    times: dict = {name: [] for name in steps}
    for number in range(rounds + 1):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            if number:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(each) for name, each in times.items()}, first


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], allow_abbrev=False)
    parser.add_argument("--steps", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    versions = [f"torch {torch.__version__}"]
    try:
        import transformers

        versions.append(f"transformers {transformers.__version__}")
    except ImportError:
        versions.append("transformers not installed")
    tokens = sum(LENGTHS)
    print(f"{', '.join(versions)}, {args.threads} threads, float32")
    print(f"{tokens} tokens in {len(LENGTHS)} trajectories, {LEARNED_SHARE:.0%} of them learned, "
          f"medians of {args.steps}\n")  # fmt: skip
    print("| model | run | tokens/s | times ours | first loss |\n|---|---|---|---|---|")
    for name, shape in SHAPES.items():
        with tempfile.TemporaryDirectory() as directory:
            medians, losses = measure(runners(shape, Path(directory)), args.steps)
        for run, seconds in medians.items():
            ratio = seconds / medians["ours"]
            print(f"| {name} | {run} | {tokens / seconds:,.0f} | {ratio:.2f} | {losses[run]:.5f} |")


if __name__ == "__main__":
    main()
