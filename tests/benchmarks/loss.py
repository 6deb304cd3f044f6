"""The loss op beside PyTorch's own, in one run: `python tests/benchmarks/loss.py`.

Prints a Markdown table: forward + backward, float32, CPU; median seconds of alternating rounds, and the
peak resident memory that one call adds, each measured in a process of its own. Active share: the part
of the rows whose coefficient is not 0 (the others: target -100 for PyTorch's ops). PyTorch's ops get
the uniform coefficients that they support, `reduction="sum"`. F.linear_cross_entropy is shown at its
own default options and at the chunk size that is fastest for it, searched here.

The table takes about 10 minutes; `--vocabulary 4000 --rounds 2 --tokens 512` gives a quick look.
"""

import argparse
import multiprocessing
import platform
import resource
import statistics
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from kernels import active_rows, weighted_linear_cross_entropy  # noqa: E402

CHUNKS = (128, 512, 2048)  # tried for F.linear_cross_entropy
MIB = 2**20


def main() -> None:
    args = parse_args()
    torch.set_num_threads(args.threads)
    print(f"torch {torch.__version__}, {processor()}, {args.threads} threads, float32, "
          f"V = {args.vocabulary}, forward + backward, median of {args.rounds} alternating rounds\n")
    print("| E | T | active | ours | F.linear_cross_entropy, best chunk | same, default options "
          "| full logits | faster than the best | extra memory, same order (MiB) |")
    print("|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for E in args.hidden:
        for T in args.tokens:
            best_chunk = None
            for share in args.shares:
                shape = (args.vocabulary, E, T, share)
                if best_chunk is None:
                    best_chunk = fastest_chunk(shape)
                print(row(shape, best_chunk, args.rounds), flush=True)


def row(shape: tuple, best_chunk: int, rounds: int) -> str:
    _, E, T, share = shape
    names = ["ours", best_chunk, "default", "full"]
    times = measure_times(shape, names, rounds)
    memory = [in_own_process(peak_memory, shape, name) for name in names]
    ours, best = times["ours"], min(times[best_chunk], times["default"], times["full"])
    cells = [E, T, f"{share:.0%}", seconds(ours), f"{seconds(times[best_chunk])} ({best_chunk})",
             seconds(times["default"]), seconds(times["full"]), f"{best / ours:.1f}x",
             " / ".join(f"{m:.0f}" for m in memory)]
    return "| " + " | ".join(map(str, cells)) + " |"


def fastest_chunk(shape: tuple) -> int:
    T = shape[2]
    times = measure_times(shape, [chunk for chunk in CHUNKS if chunk <= T], rounds=2)
    return min(times, key=times.get)


def measure_times(shape: tuple, names: list, rounds: int) -> dict:
    """Median seconds of forward + backward; one round of each in turn, so that noise is shared."""
    inputs = make_inputs(shape)
    times = {name: [] for name in names}
    for turn in range(rounds + 1):
        for name in names:
            start = time.perf_counter()
            forward_backward(name, inputs)
            if turn > 0:  # the first is warm-up
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(measured) for name, measured in times.items()}


def make_inputs(shape: tuple) -> tuple:
    V, E, T, share = shape
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(T, E, generator=generator).requires_grad_()
    weight = (torch.randn(V, E, generator=generator) / E**0.5).requires_grad_()
    targets = torch.randint(V, (T,), generator=generator)
    masked = torch.randperm(T, generator=generator)[round(share * T):]
    coefficients = torch.ones(T).index_fill_(0, masked, 0)
    targets[masked] = -100
    return hidden, weight, targets, coefficients, active_rows(targets, coefficients)


def forward_backward(name: str | int, inputs: tuple) -> None:
    """name: "ours", "full", "default" options or a chunk size of F.linear_cross_entropy."""
    hidden, weight, targets, coefficients, rows = inputs
    hidden.grad = weight.grad = None
    if name == "ours":
        loss = weighted_linear_cross_entropy(hidden, weight, targets, coefficients, rows)
    elif name == "full":
        loss = F.cross_entropy(hidden @ weight.T, targets, reduction="sum")
    else:
        size = None if name == "default" else name
        options = torch.nn.LinearCrossEntropyOptions(batch_chunk_size=size)
        loss = F.linear_cross_entropy(hidden, weight, targets, reduction="sum", options=options)
    loss.backward()


def peak_memory(shape: tuple, name: str | int) -> float:
    """MiB by which the peak resident size of this process grows in one call, gradients included."""
    forward_backward(name, make_inputs((64, 8, 32, 1.0)))  # load the libraries first
    inputs = make_inputs(shape)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew from the present size
    before = peak_resident()
    forward_backward(name, inputs)
    return (peak_resident() - before) / MIB


def peak_resident() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def in_own_process(function, *args):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(with_threads, (torch.get_num_threads(), function, *args))


def with_threads(threads: int, function, *args):
    torch.set_num_threads(threads)
    return function(*args)


def seconds(value: float) -> str:
    return f"{value:.3f} s"


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.processor()


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--vocabulary", type=int, default=32016)
    parser.add_argument("--hidden", type=int, nargs="+", default=[256, 512, 1024])
    parser.add_argument("--tokens", type=int, nargs="+", default=[512, 2048])
    parser.add_argument("--shares", type=float, nargs="+", default=[1.0, 0.2, 0.05])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
