"""The process of a user's tools ends with the program that started it; nothing stays behind."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.tool_files import copy_tools, is_alive, wait_until, works
from tl.agent.tool_process import ROOT, ToolProcess
from tl.calls.schema import Call


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    return copy_tools(tmp_path_factory.mktemp("user tools"))


def test_closing_ends_the_process(file):
    with ToolProcess(file) as process:
        pid = process._process.pid
        assert is_alive(pid)
        assert os.getpgid(pid) == pid, "Ctrl-C in the terminal does not reach it"
    assert not is_alive(pid)
    process.close()  # twice is fine
    assert works(process), "and it can be started again"
    process.close()


def test_a_hanging_tool_does_not_outlive_the_program(file):
    """Killed, so that nothing could be cleaned up."""
    file.with_name("pids").unlink(missing_ok=True)
    program = (
        "import sys; from tl.agent.tool_process import ToolProcess; from tl.calls.schema import "
        "Call; ToolProcess(sys.argv[1]).execute(Call('wait_long'))"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(file)], cwd=ROOT)
    pids = file.with_name("pids")
    wait_until(lambda: pids.is_file() and pids.read_text())
    worker = int(pids.read_text())
    assert is_alive(worker)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    wait_until(lambda: not is_alive(worker))


def test_the_answer_of_an_interrupted_call_is_not_taken_for_the_next(file):
    def interrupt(*_):
        raise KeyboardInterrupt

    with ToolProcess(file) as process:
        before = signal.signal(signal.SIGALRM, interrupt)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        try:
            with pytest.raises(KeyboardInterrupt):
                process.execute(Call("wait_a_moment"))
        finally:
            signal.signal(signal.SIGALRM, before)
        assert works(process)


def test_threads_and_descriptors_are_given_back(file):
    before = len(os.listdir("/proc/self/fd")), threading.active_count()
    for _ in range(3):
        with ToolProcess(file, timeout=0.2) as process:
            process.execute(Call("hang"))
    assert (len(os.listdir("/proc/self/fd")), threading.active_count()) == before
