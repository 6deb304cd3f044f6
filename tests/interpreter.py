"""Triton without a GPU: its interpreter runs the kernels of kernels.rows_triton on CPU tensors.

Triton decides for a whole process whether it interprets or compiles, when it is imported. So this
module imports it, and tests/conftest.py imports this one before any test module, as other parts of
PyTorch import Triton too. The variable is taken back at once, and what other tests of the session
do is dispatched as without it.
"""

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest
import torch

from kernels import rows

SOURCE = Path(rows.__file__).with_name("rows_triton.py")
HAS_CUDA = torch.cuda.is_available()
HAS_TRITON = importlib.util.find_spec("triton") is not None

# A device, and the fused kernels on it.
DEVICES = [
    pytest.param("cpu", marks=[
        pytest.mark.skipif(not HAS_TRITON, reason="Triton is not installed"),
        pytest.mark.skipif(HAS_CUDA, reason="Triton compiles in this process: see the CUDA tests"),
    ]),
    pytest.param("cuda", marks=pytest.mark.skipif(not HAS_CUDA, reason="no CUDA device")),
]  # fmt: skip


def _interpreted() -> ModuleType:
    """A copy of kernels.rows_triton whose kernels are interpreted."""
    before = os.environ.get("TRITON_INTERPRET")
    os.environ["TRITON_INTERPRET"] = "1"
    try:
        spec = importlib.util.spec_from_file_location("interpreted_rows_triton", SOURCE)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.scale_(torch.ones(1), torch.ones(()))  # the first launch imports the rest of Triton
    finally:
        os.environ.pop("TRITON_INTERPRET")
        if before is not None:
            os.environ["TRITON_INTERPRET"] = before
    return module


FUSED = _interpreted() if HAS_TRITON and not HAS_CUDA else None


def _round_to_nearest(convert):
    """GPUs round float32 to the nearest bfloat16; the interpreter cuts it off."""

    def converted(data, source, target, mode):
        if target.name != "bf16":
            return convert(data, source, target, mode)
        rounded = torch.from_numpy(data.copy()).bfloat16()
        return rounded.view(torch.uint16).numpy()

    return converted


if FUSED:
    from triton.runtime import interpreter

    interpreter._convert_float = _round_to_nearest(interpreter._convert_float)


def use_fused_kernels(patch: pytest.MonkeyPatch, device: str) -> None:
    """Ops on tensors of this device take the fused kernels from now on."""
    if device == "cpu":
        patch.setattr(rows, "_runs_triton", lambda hidden: hidden.dtype != torch.float64)
        patch.setattr(rows, "_fused", lambda: FUSED)
