"""The process that serves one toolbox of a user's checkout of ToolEyes: `tool_library` starts it.

    python library_worker.py TOOL_LIBRARY Category.Toolbox REQUESTS_FD ANSWERS_FD FOLDER

One JSON object per line: {"name", "arguments"} in, {"feedback"} out; first, from here, {"error":
null or why the toolbox cannot be imported}. FOLDER is its working directory and, where the platform
can see to that, the only place that it can write to. It stands alone, on the standard library, so
that it runs under the Python that has the toolboxes' packages.
"""

import importlib
import json
import os
import sys

LONGEST = 100_000  # characters of a feedback


def main() -> None:
    library, toolbox, requests, answers, folder = sys.argv[1:]
    sys.path[0] = os.path.dirname(os.path.abspath(__file__))
    only_writes_to = importlib.import_module("confined").only_writes_to
    sys.path[0] = library
    os.chdir(folder)
    confined = only_writes_to(folder)
    said = os.fdopen(int(answers), "w", encoding="utf-8")
    try:
        module, error = importlib.import_module(f"{toolbox}.tool"), None
    except BaseException as caught:  # a module may do anything, also exit
        module, error = None, f"{type(caught).__name__}: {caught}"
    _send(said, {"error": error, "confined": confined})
    for line in os.fdopen(int(requests), "r", encoding="utf-8"):
        request = json.loads(line)
        feedback = call(module, toolbox, error, request["name"], request["arguments"])
        _send(said, {"feedback": feedback[:LONGEST]})


def call(module, toolbox: str, error: str | None, name: str, arguments: dict) -> str:
    """What upstream's loop gives back: the result as JSON, or the text of the exception."""
    try:
        if module is None:
            raise ImportError(error)
        if not callable(getattr(module, name, None)):
            raise ImportError(f"cannot import name '{name}' from '{toolbox}.tool'")
        return json.dumps(getattr(module, name)(**arguments), ensure_ascii=False)
    except BaseException as caught:
        return str(caught)


def _send(file, message: dict) -> None:
    file.write(json.dumps(message) + "\n")
    file.flush()


if __name__ == "__main__":
    main()
