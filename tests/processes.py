"""Several processes of a run inside a test, without torchrun: torch is imported once, then
forked."""

import multiprocessing
import os
import socket
import traceback
from collections.abc import Callable
from typing import Any

_CONTEXT = multiprocessing.get_context("forkserver")
# the optimizer and fully_shard import the last three lazily, half a second in each process
_CONTEXT.set_forkserver_preload(
    ["pytest", "tests.tiny_run", "torch._dynamo", "torch._inductor.utils", "numpy.random"]
)
TIMEOUT_SECONDS = 120


class Died(Exception):
    """A process ended without an answer."""


def run_ranks(size: int, function: Callable, *arguments: Any) -> list[Any]:
    """function(*arguments) in `size` processes, as torchrun would start them: the answers by
    rank.

    Raises Died with the exit status if one is killed; a remote exception with its traceback.
    """
    port = _free_port()
    processes, pipes = [], []
    for rank in range(size):
        receiver, sender = _CONTEXT.Pipe(duplex=False)
        place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "MASTER_PORT": port}
        process = _CONTEXT.Process(target=_child, args=(sender, place, function, arguments))
        process.start()
        sender.close()
        processes.append(process)
        pipes.append(receiver)
    try:
        return [_answer(*pair) for pair in zip(processes, pipes, strict=True)]
    finally:
        for process in processes:
            process.kill()
            process.join()


def _answer(process, pipe) -> Any:
    if not pipe.poll(TIMEOUT_SECONDS):
        raise Died("no answer: the process hangs")
    try:
        kind, value = pipe.recv()
    except EOFError:
        process.join()
        raise Died(f"exit status {process.exitcode}") from None
    if kind == "error":
        raise RuntimeError(f"in a child process:\n{value}")
    return value


def _child(pipe, place: dict, function: Callable, arguments: tuple) -> None:
    import torch

    torch.set_num_threads(1)
    os.environ.update({key: str(value) for key, value in place.items()}, MASTER_ADDR="127.0.0.1")
    try:
        pipe.send(("value", function(*arguments)))
    except Exception:
        pipe.send(("error", traceback.format_exc()))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
