"""The hostile tools as a file of a user's, and what their process is asked in every test of it."""

import shutil
import time
from pathlib import Path

import pytest

from tl.agent.tool_process import ToolProcess
from tl.calls.schema import Call

SOURCES = Path(__file__).parent / "user_tools"


def copy_tools(folder: Path) -> Path:
    """The tools in `folder`, where they may write, with the file that they import beside them."""
    shutil.copy(SOURCES / "helper_beside_it.py", folder)
    return Path(shutil.copy(SOURCES / "hostile_tools.py", folder))


def works(process: ToolProcess) -> bool:
    return process.execute(Call("add", {"a": 1})) == "3"


def is_alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def wait_until(happens) -> None:
    for _ in range(1000):
        if happens():
            return
        time.sleep(0.02)
    pytest.fail("it did not happen within 20 s")
