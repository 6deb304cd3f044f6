"""How a run ends: one line for a user's mistake, a traceback for ours, the exit status.

All processes of a run meet the same mistake at about the same time. `hold_back` makes its message
appear once: rank 0 speaks at once, the others some seconds later, by which time torchrun, seeing
rank 0 end, has ended them; if rank 0 did not fail they do speak. A process that only knows that
*another* failed waits longest.
"""

import os
import signal
import sys
import time
from collections.abc import Callable

import torch
from safetensors import SafetensorError

from tl import InputError

PATIENCE_SECONDS = 3.0
STAGGER_SECONDS = 0.5  # between ranks, so that one of several speaks first
PATIENCE_LIMIT = 10.0
SECONDHAND_SECONDS = 12.0  # longer than any process that knows the cause


class PeerFailed(RuntimeError):
    """Another process of the run failed; its own message says why."""


def hold_back(secondhand: bool = False) -> None:
    """Returns when it is this process's turn to say why the run ends, if it lives to see it."""
    rank = int(os.environ.get("RANK", "0"))
    patience = min(PATIENCE_SECONDS + STAGGER_SECONDS * rank, PATIENCE_LIMIT) if rank else 0.0
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    time.sleep(SECONDHAND_SECONDS if secondhand else patience)


def run(main: Callable[[], int | None]) -> None:
    """Calls main and ends the process: the last line of each script.

    Status 0 or what main returns; 1 behind one `error: ...` line for InputError, a failed file
    operation, or exhausted memory; 130 for Ctrl-C. Any other exception is a defect of the program
    and keeps its traceback.
    """
    try:
        sys.exit(main())
    except InputError as error:
        _end(str(error))
    except PeerFailed as error:
        _end(str(error), secondhand=True)
    except BrokenPipeError:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # or Python complains at exit
        sys.exit(1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _end(f"{where}{error.strerror or error}")
    except SafetensorError as error:  # its way to say, for example, that the disk is full
        _end(f"safetensors: {error}")
    except torch.OutOfMemoryError as error:
        first_line = str(error).splitlines()[0]
        _end(
            f"{first_line} Try a smaller --per_device_train_batch_size or --gradient_checkpointing."
        )
    except MemoryError:
        _end("out of host memory; try a smaller --per_device_train_batch_size")
    except KeyboardInterrupt:
        _end("interrupted", prefix="", status=130)
    except RuntimeError as error:
        if not _is_lost_peer(error):
            raise
        _end("lost the connection to another process; its own message says why", secondhand=True)


def _is_lost_peer(error: RuntimeError) -> bool:
    """When the process at the other end has died, Gloo raises plain RuntimeErrors, NCCL and the
    store DistErrors or errors with NCCL in the text."""
    if isinstance(error, torch.distributed.DistError):
        return True
    text = str(error)
    closed = "Connection closed by peer" in text or "Connection reset by peer" in text
    lost = closed or "remote process exited" in text or "communicator was aborted" in text
    return lost and ("gloo" in text.lower() or "NCCL" in text)


def _end(
    message: str, *, prefix: str = "error: ", status: int = 1, secondhand: bool = False
) -> None:
    hold_back(secondhand)
    print(prefix + " ".join(message.split()), file=sys.stderr, flush=True)
    sys.exit(status)
