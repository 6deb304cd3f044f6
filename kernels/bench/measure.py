"""Time and memory of forward and backward: alternating rounds, medians, one process per peak."""

import multiprocessing
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from kernels.bench.cases import MODELS, Case, Inputs, make_inputs
from kernels.bench.peers import Contender, contenders
from kernels.matmul import product

MIB = 2**20
FLUSH_BYTES = 256 * MIB  # more than any last-level cache in question
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def step(contender: Contender, inputs: Inputs) -> None:
    """Forward and backward, gradients from nothing."""
    inputs.hidden.grad = inputs.weight.grad = None
    contender(inputs).backward()


class Stopwatch:
    """Seconds of one call, on the device's own clock."""

    def __init__(self, device: str, clock: str) -> None:
        self.device, self.clock = device, CLOCKS[clock]
        self.flushed = torch.empty(FLUSH_BYTES, dtype=torch.uint8, device=device)

    def __call__(self, function: Callable[[], None], cold: bool) -> float:
        """cold: with nothing of the inputs in the caches."""
        if cold:
            self.flushed.zero_()
        if self.device == "cpu":
            start = self.clock()
            function()
            return self.clock() - start
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        function()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / 1000


def times(
    ready: dict[str, Contender], inputs: Inputs, rounds: int, stopwatch: Stopwatch
) -> dict[str, dict]:
    """By contender, the medians of warm and cold calls in seconds; what fails says why.

    One round of each in turn, so that what else happens on the machine happens to all. The first
    round is warm-up.
    """
    measured = {name: {"warm": [], "cold": []} for name in ready}
    failed = {}
    for turn in range(rounds + 1):
        for name in [name for name in ready if name not in failed]:
            try:
                for kind in ("warm", "cold"):
                    seconds = stopwatch(lambda: step(ready[name], inputs), cold=kind == "cold")
                    measured[name][kind] += [seconds] * (turn > 0)
            except Exception as error:  # out of memory, or a shape that it does not take
                failed[name] = {"failed": _first_line(error)}
    return failed | {
        name: {kind: statistics.median(seconds) for kind, seconds in kinds.items()}
        for name, kinds in measured.items()
        if name not in failed
    }


def peak_memory(case: Case, name: str, threads: int) -> float | None:
    """MiB beyond the inputs at the peak of one call, gradients included."""
    if case.device == "cuda":
        return _cuda_peak(case, name)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_cpu_peak, (case, name, threads))


def matmul_ceiling(case: Case, stopwatch: Stopwatch, rounds: int = 10) -> float:
    """TFLOP/s of the best of the three products at 4,096 rows (CPU: 192), inputs in the dtype."""
    E, V = MODELS[case.model]
    rows = 4096 if case.device == "cuda" else 192
    x, w, z = (torch.randn(n, m, device=case.device).to(case.dtype)
               for n, m in ((rows, E), (V, E), (rows, V)))  # fmt: skip
    best = min(
        stopwatch(lambda a=a, b=b: product(a, b), cold=False)
        for a, b in ((x, w.t()), (z, w), (z.t(), x))
        for _ in range(rounds)
    )
    return 2.0 * rows * E * V / best / 1e12


def _cuda_peak(case: Case, name: str) -> float:
    inputs = make_inputs(case)
    contender = contenders(case)[name]()
    step(contender, inputs)  # libraries, compilation
    inputs.hidden.grad = inputs.weight.grad = None
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    step(contender, inputs)
    torch.cuda.synchronize()
    return (torch.cuda.max_memory_allocated() - before) / MIB


def _cpu_peak(case: Case, name: str, threads: int) -> float | None:
    """By which the peak resident size of this process grows; None where the system does not say.

    What the first call leaves behind is small: a heap with free room would hide some of the peak.
    """
    torch.set_num_threads(threads)
    contender = contenders(case)[name]()
    step(contender, make_inputs(case._replace(model="tiny", tokens=32, active=16)))  # libraries
    inputs = make_inputs(case)
    try:
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew from the present size
        before = _resident("VmHWM")
    except OSError:
        return None
    step(contender, inputs)
    return (_resident("VmHWM") - before) / MIB


def _resident(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) * 1024


def _first_line(error: Exception) -> str:
    if isinstance(error, torch.OutOfMemoryError):
        return "out of memory"
    return f"{type(error).__name__}: {str(error).splitlines()[0][:80] if str(error) else ''}"
