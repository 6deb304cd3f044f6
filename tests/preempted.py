"""A training command that is told to stop from outside, as a cluster does it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.micro import ROOT


def preempt(script: str, flags: list, output_dir: Path, *, at_step: int) -> None:
    """SIGTERM in the middle of a step: the run saves at its boundary and ends with status 0."""
    total = 400  # steps, never reached
    flags = [*flags, "--max_steps", total, "--save_steps", 0, "--output_dir", output_dir]
    process = subprocess.Popen(
        [sys.executable, *map(str, [ROOT / script, *flags])], stdout=subprocess.PIPE, text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    for line in process.stdout:
        if line.startswith("step") and f" {at_step}/{total}" in line:
            process.send_signal(signal.SIGTERM)
            break
    process.stdout.read()
    assert process.wait(timeout=60) == 0
    status = json.loads((output_dir / "status.json").read_text())
    assert status["state"] == "preempted" and at_step <= status["step"] < total
    assert Path(status["checkpoint"]).name == f"checkpoint-{status['step']}"
    assert not (output_dir / "model.safetensors").exists()
