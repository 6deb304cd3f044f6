"""The process that starts a program of a model, under every limit that the platform offers.

    python -I confined.py PROGRAM.py SECONDS BYTES REPORT_FD RESULT_FD

The folder of the program is its working directory and the only place that it can write to. What
holds it in check goes to REPORT_FD as one JSON object, whose `guards` are true where they hold:

    limits      CPU seconds, memory, size and number of files, no core dump
    network     none: a network namespace without interfaces
    processes   none but its own can be seen or signalled, and all of its own end with it: a process
                namespace
    files       nothing outside of the folder can be written, made or removed: Landlock

Namespaces need Linux, and a kernel that lets an ordinary user make them (or root); Landlock needs
Linux 5.13. Files can be read as the user can read them. It stands alone: only the standard library,
so that it starts quickly and takes nothing from the project with it.
"""

import ctypes
import json
import os
import resource
import signal
import struct
import sys
import time

NEW_USER, NEW_PROCESSES, NEW_NETWORK, NEW_IPC = 0x10000000, 0x20000000, 0x40000000, 0x08000000
NO_NEW_PRIVILEGES = 38  # prctl
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # system calls, the same on every machine
WRITES = {1: 0b1_1111_1111_0010, 2: 1 << 13, 3: 1 << 14}  # rights, by the version that has them
WRITE_A_FILE = 1 << 1 | 1 << 14
LARGEST_FILE, MOST_FILES, MOST_PROCESSES = 2**20, 64, 64


def main() -> None:
    path, seconds, size, report, result = sys.argv[1], *map(int, sys.argv[2:])
    guards = separate()
    child = os.fork()
    if child == 0:
        become(path, seconds, size, report, result, guards)
    deadline = time.monotonic() + 2 * seconds + 1  # the CPU limit comes first, if it is not asleep
    while time.monotonic() < deadline:
        if os.waitpid(child, os.WNOHANG)[0]:
            return
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def separate() -> dict[str, bool]:
    """New namespaces for what this process starts."""
    library, apart = ctypes.CDLL(None, use_errno=True), NEW_PROCESSES | NEW_NETWORK | NEW_IPC
    unshare = getattr(library, "unshare", lambda flags: -1)
    done = unshare(apart | NEW_USER) == 0 or unshare(apart) == 0
    return {"network": done, "processes": done}


def become(path: str, seconds: int, size: int, report: int, result: int, guards: dict) -> None:
    """Turns this process into the program."""
    folder = os.path.dirname(path)
    os.chdir(folder)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    guards["files"] = only_writes_to(folder)
    guards["limits"] = limited(seconds, size, guards["processes"])
    os.write(report, json.dumps({"guards": guards}).encode())
    os.close(report)
    os.set_inheritable(result, True)
    os.execve(sys.executable, [sys.executable, "-I", path], {"HOME": folder, "TMPDIR": folder})


def limited(seconds: int, size: int, counts_processes: bool) -> bool:
    """Sets every limit that the platform has; whether it has all of them."""
    limits = {
        resource.RLIMIT_CPU: seconds, resource.RLIMIT_AS: size, resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: LARGEST_FILE, resource.RLIMIT_NOFILE: MOST_FILES,
    }  # fmt: skip
    if counts_processes:  # else it would count what else the user is running
        limits[resource.RLIMIT_NPROC] = MOST_PROCESSES
    done = True
    for kind, most in limits.items():
        try:
            resource.setrlimit(kind, (most, most))
        except (ValueError, OSError):
            done = False
    return done


def only_writes_to(folder: str) -> bool:
    """Landlock: from now on this process and its children write nowhere else."""
    if not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None, use_errno=True)
    version = library.syscall(CREATE_RULESET, None, 0, 1)
    if version < 1:
        return False
    rights = sum(bits for since, bits in WRITES.items() if since <= version)
    handled = struct.pack("Q", rights)
    rules = library.syscall(CREATE_RULESET, handled, len(handled), 0)
    allowed = [(folder, rights), (os.devnull, rights & WRITE_A_FILE)]
    for path, granted in allowed:
        place = os.open(path, os.O_PATH)
        rule = struct.pack("=Qi", granted, place)
        if library.syscall(ADD_RULE, rules, 1, rule, 0):
            return False
        os.close(place)
    is_bound = library.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0
    done = is_bound and library.syscall(RESTRICT_SELF, rules, 0) == 0
    os.close(rules)
    return done


if __name__ == "__main__":
    main()
