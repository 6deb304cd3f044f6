"""The process that runs a user's tools: `tool_process.ToolProcess` starts it, nobody else.

    python -m tl.agent.worker SOCKET my_tools.py

SOCKET is the number of an open socket. One JSON object per line goes over it: first the tools of
the module, from here; then a call in and its feedback out, one by one. Tools have no standard
input, and what they print goes to the standard error output.

It imports little, so that a restart after a time-out is quick, and it ends, together with all that
its tools have started, when the other side is gone.
"""

import importlib.util
import json
import os
import select
import signal
import socket
import sys
import threading
from pathlib import Path
from types import ModuleType

from tl import InputError
from tl.agent.feedback import positional_misuse, shorten, words_of
from tl.calls.schema import Call
from tl.world.execute import World
from tl.world.registry import describe, public_functions


def main() -> None:
    connection = socket.socket(fileno=int(sys.argv[1]))
    connection.set_inheritable(False)
    threading.Thread(target=_end_with_parent, args=(connection,), daemon=True).start()
    try:
        module = load_module(Path(sys.argv[2]))
        functions = public_functions(module)
        tools = [describe(function).to_openai() for function in functions.values()]
        hello = json.dumps({"tools": tools})
    except BaseException as error:  # SystemExit as well: a module may do anything
        kind = "" if isinstance(error, InputError) else f"{type(error).__name__}: "
        _send(connection, {"error": kind + words_of(error)})
        return
    _send_line(connection, hello)
    _serve(connection, World(functions=functions))


def _serve(connection: socket.socket, world: World) -> None:
    own = os.getpid()
    for line in connection.makefile("r", encoding="utf-8"):
        request = json.loads(line)
        call = Call(request["name"], request["arguments"], tuple(request["positional"]))
        feedback = execute(call, world)
        if os.getpid() != own:  # the tool forked and both came back
            os._exit(0)
        answer = {"number": request["number"], "feedback": shorten(feedback, request["limit"])}
        _send(connection, answer)


def execute(call: Call, world: World) -> str:
    """The feedback of a call, whatever the tool does to end it."""
    if call.positional:
        return positional_misuse(call.name, len(call.positional))
    try:
        return world.execute(call)
    except BaseException as error:  # SystemExit, KeyboardInterrupt, a hostile __str__
        return words_of(error)


def load_module(path: Path) -> ModuleType:
    """Runs the file as `import` would; files beside it can be imported by it."""
    sys.path.insert(0, str(path.parent))
    taken = path.stem in sys.modules or path.stem in sys.stdlib_module_names
    name = f"tools_{path.stem}" if taken else path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _send(connection: socket.socket, message: dict) -> None:
    _send_line(connection, json.dumps(message))


def _send_line(connection: socket.socket, line: str) -> None:
    connection.sendall(line.encode() + b"\n")


def _end_with_parent(connection: socket.socket) -> None:
    """A tool that hangs must not outlive the program that called it."""
    poll = select.poll()
    poll.register(connection, 0)  # a closed other side is reported without being asked for
    poll.poll()
    os.killpg(os.getpgid(0), signal.SIGKILL)


if __name__ == "__main__":
    main()
