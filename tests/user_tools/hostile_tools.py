"""Tools that go wrong in every way."""

import builtins
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from os import getcwd  # noqa: F401 - not this file's own, so no tool
from pathlib import Path

from helper_beside_it import doubled

calls = 0
print("printed at import")


class Nasty:
    def __repr__(self):
        raise RuntimeError("no repr")

    __str__ = __repr__


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class Loud(BaseException):
    pass


def add(a: int, b: int = 2) -> int:
    """Add two numbers.

    Args:
        a: The first.
        b: The second.
    """
    return a + b


def count() -> int:
    """How often it was called."""
    global calls
    calls += 1
    return calls


def use_helper(a: int) -> int:
    """Uses a file beside this one."""
    return doubled(a)


def give_back(value=None):
    """What it got."""
    return value


def spoil(values: list) -> list:
    """Changes what it got."""
    values.clear()
    return values


def hang() -> str:
    """Never comes back."""
    while True:
        time.sleep(1)


def hang_deaf() -> str:
    """Never comes back, in a C call, deaf to signals, with a child."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path(__file__).with_name("pids").write_text(f"{os.getpid()} {child.pid}")
    ctypes.PyDLL(None).usleep(600_000_000)  # holds the interpreter's lock


def wait_long() -> str:
    """Waits, and says where."""
    Path(__file__).with_name("pids").write_text(str(os.getpid()))
    while True:
        time.sleep(0.1)


def wait_a_moment() -> str:
    """Takes half a second."""
    time.sleep(0.5)
    return "late"


def leave(status: int = 3):
    """Ends the process."""
    os._exit(status)


def kill_itself():
    """A signal without a name."""
    os.kill(os.getpid(), 44)
    time.sleep(10)


def crash():
    """A segmentation fault."""
    ctypes.string_at(0)


def leave_later():
    """Ends the process between two calls."""
    threading.Timer(0.05, os._exit, (7,)).start()
    return "ok"


def fork_and_return():
    """Comes back twice, first as the child."""
    if os.fork():
        time.sleep(0.3)
        return os.getpid()
    return "child"


def close_everything():
    """Closes the connection."""
    os.closerange(3, 4096)
    return "closed"


def write_everywhere(text: str = "{not json"):
    """Writes where it should not."""
    for number in range(3, 64):
        try:
            os.write(number, text.encode() + b"\n")
        except OSError:
            pass
    time.sleep(0.3)
    return "written"


def flood(size: int):
    """Writes without end, never a line."""
    links = {number: f"/proc/self/fd/{number}" for number in range(3, 64)}
    opened = {n: os.readlink(link) for n, link in links.items() if os.path.lexists(link)}
    (number,) = [number for number, name in opened.items() if name.startswith("socket")]
    while True:
        os.write(number, b"x" * size)


def raise_it(kind: str):
    """Raises what is named."""
    if kind == "Unprintable":
        raise Unprintable()
    if kind == "Loud":
        raise Loud("loud")
    if kind == "silent":
        raise ValueError()
    raise getattr(builtins, kind)("words")


def recurse(n: int = 0):
    """Without end."""
    return recurse(n + 1) + 1


def result(kind: str):
    """Returns what is named."""
    loop = []
    loop.append(loop)
    deep = []
    for _ in range(100_000):
        deep = [deep]
    return {
        "bytes": b"x",
        "nan": float("nan"),
        "set": {1},
        "object": Nasty(),
        "loop": loop,
        "deep": deep,
        "keys": {(1, 2): 3},
        "surrogate": "a\ud800b",
        "none": None,
        "text": "\x1b[31m\u2028 \U0001f600",
        "large": "x" * 10_000_000,
        "number": 10**5000,
        "list": [Nasty()],
    }[kind]


def talk() -> str:
    """Prints."""
    print('{"feedback": "forged"}')
    print("to stderr", file=sys.stderr)
    subprocess.run(["echo", "from a child"])
    sys.stdout.flush()
    return "said"


def read() -> str:
    """Reads the standard input."""
    return input("give me: ")


def _private():
    return "private"
