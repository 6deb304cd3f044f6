"""The loss op beside PyTorch's own, in one run: `python tests/benchmarks/loss.py`.

Prints a Markdown table: forward + backward, float32, CPU; median seconds of alternating rounds,
and the peak resident memory that one call adds, each measured in a process of its own.

Active: the share of rows whose coefficient is not 0 (target -100 for PyTorch's ops, which get the
uniform coefficients that they support, `reduction="sum"`). F.linear_cross_entropy is timed at its
fastest chunk size, searched here among its default options and CHUNKS for every E and T; memory is
shown for its default options too, where it needs least.

The table takes about 10 minutes; `--vocabulary 4000 --rounds 2 --tokens 512` gives a quick look.
On a machine that others use, `--threads 1 --clock cpu` counts only the seconds spent computing.
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

CHUNKS = ("default", 128, 512, 2048)  # tried for F.linear_cross_entropy
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
MIB = 2**20


def main() -> None:
    args = parse_args()
    torch.set_num_threads(args.threads)
    clock = CLOCKS[args.clock]
    print(f"torch {torch.__version__}, {processor()}, {args.threads} thread(s), float32, "
          f"V = {args.vocabulary}, forward + backward,\n"
          f"median of {args.rounds} alternating rounds, {args.clock} clock\n")
    print("| E | T | active | ours | F.linear_cross_entropy (chunk) | full logits | best / ours "
          "| MiB: ours | F.linear_cross_entropy | its default | full logits |")
    print("|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for E in args.hidden:
        for T in args.tokens:
            best_chunk = None
            for share in args.shares:
                shape = (args.vocabulary, E, T, share)
                if best_chunk is None:
                    best_chunk = fastest_chunk(shape, clock)
                print(row(shape, best_chunk, args.rounds, clock), flush=True)


def row(shape: tuple, best_chunk: int | str, rounds: int, clock) -> str:
    _, E, T, share = shape
    names = ["ours", best_chunk, "full"]
    times = measure_times(shape, names, rounds, clock)
    ours, chunked, full = times.values()
    memory = [in_own_process(peak_memory, shape, name)
              for name in ("ours", best_chunk, "default", "full")]
    cells = [E, T, f"{share:.0%}", f"{ours:.3f} s", f"{chunked:.3f} s ({best_chunk})",
             f"{full:.3f} s", f"{min(chunked, full) / ours:.1f}x", *(f"{m:.0f}" for m in memory)]
    return "| " + " | ".join(map(str, cells)) + " |"


def fastest_chunk(shape: tuple, clock) -> int | str:
    T = shape[2]
    names = [chunk for chunk in CHUNKS if chunk == "default" or chunk <= T]
    times = measure_times(shape, names, 1, clock)
    return min(times, key=times.get)


def measure_times(shape: tuple, names: list, rounds: int, clock) -> dict:
    """Median seconds of forward + backward; one round of each in turn, so that noise is shared."""
    inputs = make_inputs(shape)
    times = {name: [] for name in names}
    for turn in range(rounds + 1):
        for name in names:
            start = clock()
            forward_backward(name, inputs)
            if turn > 0:  # the first is warm-up
                times[name].append(clock() - start)
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
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    return parser.parse_args()


if __name__ == "__main__":
    main()
