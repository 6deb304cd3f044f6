"""Tokens per second of the training steps alone, peak memory, seconds of each phase of a step."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class Throughput:
    """Counts what was trained between two log lines; evaluation and saving stop the clock.

    Real tokens only: streams have no padding. learned: tokens with a weight, the supervised ones.
    """

    def __init__(self, device: torch.device):
        self._device = device
        self._start()

    def add(self, tokens: int, learned: int) -> None:
        """One global batch, summed over all processes."""
        self._tokens += tokens
        self._learned += learned

    def read(self) -> dict[str, float]:
        """The rates since the last reading; starts anew."""
        seconds = time.perf_counter() - self._since
        rates = {
            "tokens_per_second": self._tokens / seconds,
            "learned_tokens_per_second": self._learned / seconds,
        }
        if self._device.type == "cuda":
            rates["memory_gib"] = torch.cuda.max_memory_allocated(self._device) / 2**30
            torch.cuda.reset_peak_memory_stats(self._device)
        self._start()
        return rates

    @contextmanager
    def pause(self) -> Iterator[None]:
        """What happens inside takes no time."""
        began = time.perf_counter()
        yield
        self._since += time.perf_counter() - began

    def _start(self) -> None:
        self._since, self._tokens, self._learned = time.perf_counter(), 0, 0


class Phases:
    """Where the time of a step goes: `mark` gives a phase the seconds since the mark before."""

    def __init__(self):
        self._seconds: dict[str, float] = {}
        self._since = time.perf_counter()

    def mark(self, name: str) -> None:
        """What was done since the last mark was phase `name`."""
        now = time.perf_counter()
        self._seconds[name] = self._seconds.get(name, 0.0) + now - self._since
        self._since = now

    def read(self) -> dict[str, float]:
        """{"seconds/NAME": ...} since the last reading; starts anew."""
        seconds, self._seconds = self._seconds, {}
        return {f"seconds/{name}": value for name, value in seconds.items()}
