"""Where the time of one SFT step goes, part by part: `python tests/benchmarks/sft_profile.py`.

Each part runs forward and backward alone, on tensors of the shapes that it has in the step of
tests/benchmarks/sft_step.py, as often as the step runs it. What is left of the whole step
(embedding, additions, views, autograd) is "rest". Seconds of computing (process time), medians of
alternating rounds. `--repository DIR` takes tl and kernels from another checkout.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F

HERE = Path(__file__).resolve().parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], allow_abbrev=False)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--trajectories", type=int, default=8)
    parser.add_argument("--shapes", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--repository", default=str(HERE.parents[1]))
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    sys.path[:0] = [args.repository, str(HERE)]
    import sft_step

    print(f"torch {torch.__version__}, {args.threads} thread(s), float32, "
          f"{sum(sft_step.LENGTHS[: args.trajectories])} tokens\n")
    print("| model | part | times | ms | share |\n|---|---|--:|--:|--:|")
    sft_step.LENGTHS = sft_step.LENGTHS[: args.trajectories]
    for name, shape in [list(sft_step.SHAPES.items())[place] for place in args.shapes]:
        table(name, parts(sft_step, shape), args.rounds)


def table(name: str, made: dict, rounds: int) -> None:
    times = {part: [] for part in made}
    for turn in range(rounds + 1):
        for part, (_, run) in made.items():
            start = time.process_time()
            run()
            if turn:
                times[part].append(1000 * (time.process_time() - start))
    ms = {part: made[part][0] * statistics.median(each) for part, each in times.items()}
    whole = ms.pop("whole step")
    for part, each in ms.items():
        print(f"| {name} | {part} | {made[part][0]} | {each:.1f} | {each / whole:.1%} |")
    rest = whole - sum(ms.values())
    print(f"| {name} | rest | | {rest:.1f} | {rest / whole:.1%} |")
    print(f"| {name} | whole step | 1 | {whole:.1f} | 100% |", flush=True)


def parts(sft_step, shape) -> dict:
    """By name, (how often a step runs it, forward and backward of one)."""
    from kernels import weighted_linear_cross_entropy
    from tl.model.hf import init_model
    from tl.model.linear import Linear
    from tl.model.norm import RMSNorm
    from tl.model.packed_attention import Packing, packed_attention
    from tl.model.rope import rotate
    from tl.run import optim, parallel

    E, inner, layers, heads, kv_heads, V = shape
    T, D = sum(sft_step.LENGTHS), E // heads
    model = init_model(sft_step.config_of(shape), 0, torch.float32, torch.device("cpu"))
    data = sft_step.trajectories(V)
    targets = torch.cat([each for _, each in data])
    c = (targets != -100).float()
    rows = c.nonzero().flatten()
    x, gate, up = (leaf(T, n) for n in (E, inner, inner))
    q, keys_values = leaf(T, heads, D), [leaf(T, kv_heads, D) for _ in range(2)]
    angles, packing = torch.randn(2, T, 1, D), Packing(list(sft_step.LENGTHS), None, None, None)
    norm, head = RMSNorm(E, 1e-5), model.lm_head.weight
    linears = {(n, m): Linear(n, m, bias=False)
               for n, m in ((E, E), (E, kv_heads * D), (E, inner), (inner, E))}
    inputs = {n: leaf(T, n) for n in (E, inner)}
    kept = {p: torch.randn_like(p) for p in model.parameters()}
    optimizer = optim.adamw(model, 1e-4)

    def products() -> None:
        for (n, m), times in zip(linears, (2, 2, 2, 1)):
            for _ in range(times):
                backward(linears[n, m](inputs[n]))

    def attention() -> None:
        backward(packed_attention(q, *keys_values, packing, None))

    def update() -> None:
        for parameter, gradient in kept.items():
            parameter.grad = gradient
        parallel.clip_grad_norm(model.parameters(), 1.0)
        optimizer.step()

    return {
        "linear layers": (layers, products),
        "attention": (layers, attention),
        "RMSNorm": (2 * layers + 1, lambda: backward(norm(x))),
        "RoPE": (2 * layers, lambda: backward(rotate(q, *angles))),
        "SwiGLU: silu(gate) * up": (layers, lambda: backward(F.silu(gate) * up)),
        "loss": (1, lambda: weighted_linear_cross_entropy(x, head, targets, c, rows).backward()),
        "clipping and AdamW": (1, update),
        "whole step": (1, sft_step.ours(model, data)),
    }


def leaf(*shape: int) -> torch.Tensor:
    return torch.randn(*shape).requires_grad_()


def backward(made: torch.Tensor) -> None:
    made.backward(torch.ones_like(made))


if __name__ == "__main__":
    main()
