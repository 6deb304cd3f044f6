"""Compiles the row kernel for GPUs that need not be here:

    python tests/compile_row_kernel.py 80 90 100

Prints, as JSON, what ptxas says about each kernel that the launches of kernels.rows_triton ask for
at the vocabularies of a tiny model, CodeLlama, Llama 3.1 and Qwen 2.5: bytes spilled per thread,
and whether there is a float64 or an atomic operation in it.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kernels import rows_triton  # noqa: E402

TOOLS = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"
VOCABULARIES = (2048, 32016, 128256, 152064)
TYPES = {torch.float32: "*fp32", torch.bfloat16: "*bf16", torch.int64: "*i64"}


class Recorder(list):
    """A kernel that notes how it is launched."""

    def __getitem__(self, grid):
        return lambda *arguments, **options: self.append((arguments, options))


def launches() -> list:
    """(arguments on the meta device, options) of every row function."""
    rows_triton._row_kernel = recorder = Recorder()
    for V in VOCABULARIES:
        for dtype in (torch.bfloat16, torch.float32):
            z, dz = (torch.empty(4, V, dtype=d, device="meta") for d in (torch.float32, dtype))
            y = torch.empty(4, dtype=torch.int64, device="meta")
            c = torch.empty(4, device="meta")
            rows_triton.nll(z, dz, y, c)
            rows_triton.statistics(z, y, 1.0)
            rows_triton.gradient(z, dz, y, c, c, 0.7)
            rows_triton.policy(z, dz, y, c, c, 0.2, 0.1, 0.0, 1.0)
    return recorder


def source_of(kernel, arguments: tuple) -> ASTSource:
    constants, types, aligned = {}, {}, {}
    for place, (name, value) in enumerate(zip(kernel.arg_names, arguments, strict=True)):
        if name in ("MODE", "BLOCK", "WHOLE"):
            types[name], constants[(place,)] = "constexpr", value
        elif isinstance(value, torch.Tensor):
            types[name], aligned[(place,)] = TYPES[value.dtype], [["tt.divisibility", 16]]
        elif isinstance(value, float):
            types[name] = "fp32"
        else:
            types[name] = "i32"
            if value % 16 == 0:  # as Triton specialises
                aligned[(place,)] = [["tt.divisibility", 16]]
    return ASTSource(kernel, types, constants, aligned)


def examine(ptx: str) -> dict:
    target = next(line.split()[1] for line in ptx.splitlines() if line.startswith(".target"))
    tool = TOOLS / ("ptxas-blackwell" if target.startswith("sm_1") else "ptxas")
    with tempfile.NamedTemporaryFile("w", suffix=".ptx") as file:
        file.write(ptx)
        file.flush()
        command = [tool, "-v", f"-arch={target.rstrip(',')}", file.name, "-o", "/dev/null"]
        log = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    spilled = [int(word.split()[0]) for word in log.replace("\n", ",").split(",")
               if word.endswith("bytes spill stores")]  # fmt: skip
    return {"spilled": max(spilled), "float64": ".f64" in ptx,
            "atomics": "atom." in ptx or "red.global" in ptx}  # fmt: skip


def main(architectures: list[str]) -> None:
    kernel, found = rows_triton._row_kernel, {}
    for arguments, options in launches():
        source = source_of(kernel, arguments)
        for arch in architectures:
            key = arch, tuple(source.constants.values()), source.signature["dz"]
            if key not in found:
                made = triton.compile(source, target=GPUTarget("cuda", int(arch), 32),
                                      options=options)  # fmt: skip
                found[key] = {"arch": arch, "constants": key[1], "dz": key[2],
                              **examine(made.asm["ptx"])}  # fmt: skip
    print(json.dumps(list(found.values())))


if __name__ == "__main__":
    main(sys.argv[1:])
