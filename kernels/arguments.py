"""What the fused losses accept, and what they say about everything else: what, got, expected."""

import torch
from torch import Tensor

NO_TARGET = -100
HALF = (torch.bfloat16, torch.float16)


def check_shapes(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    coefficients: Tensor,
    rows: Tensor | None,
    chunk_size: int | None,
) -> None:
    """Everything that can be checked without looking at a value. Raises ValueError."""
    if hidden.dim() != 2 or hidden.dtype not in (torch.float32, torch.float64, *HALF):
        refuse("hidden", _kind(hidden), "floating-point [T, E]")
    T, E = hidden.shape
    if weight.dim() != 2 or weight.shape[1] != E or weight.shape[0] == 0:
        refuse("weight", _kind(weight), f"[V, {E}] with V > 0, beside hidden {_kind(hidden)}")
    master = weight.dtype == torch.float32 and hidden.dtype in HALF
    if weight.dtype != hidden.dtype and not master:
        refuse("weight", _kind(weight), f"{hidden.dtype} (or float32 beside 16-bit hidden)")
    if targets.shape != (T,) or targets.dtype != torch.int64:
        refuse("targets", _kind(targets), f"int64 [{T}], one per row of hidden")
    exact = coefficients.dtype == torch.float64 == hidden.dtype
    if coefficients.shape != (T,) or not (coefficients.dtype == torch.float32 or exact):
        refuse("coefficients", _kind(coefficients), f"float32 [{T}], one per row of hidden")
    if coefficients.requires_grad:
        refuse("coefficients", "a tensor that requires a gradient",
               "data: no gradient is formed for them; pass coefficients.detach()")
    if rows is not None and (rows.dim() != 1 or rows.dtype != torch.int64):
        refuse("rows", _kind(rows), "int64 [N], the indices of the rows that count")
    if chunk_size is not None and (not isinstance(chunk_size, int) or chunk_size < 1):
        refuse("chunk_size", repr(chunk_size), "a positive number of rows, or None")
    others = {"weight": weight, "targets": targets, "coefficients": coefficients, "rows": rows}
    for name, tensor in others.items():
        if tensor is not None and tensor.device != hidden.device:
            refuse(name, f"on {tensor.device}", f"on {hidden.device}, where hidden is")


def check_chosen(
    hidden: Tensor, weight: Tensor, targets: Tensor, temperature: float, chunk_size: int | None
) -> None:
    """The arguments of ops where every row counts, without their values. Raises ValueError."""
    ones = torch.ones(targets.shape, device=hidden.device)
    check_shapes(hidden, weight, targets, ones, None, chunk_size)
    if not temperature > 0:
        refuse("temperature", temperature, "a number above 0")


def check_per_row(hidden: Tensor, **data: Tensor) -> None:
    """One number per row of hidden, without a gradient. Raises ValueError."""
    for name, tensor in data.items():
        exact = tensor.dtype == torch.float64 == hidden.dtype
        if tensor.shape != hidden.shape[:1] or not (tensor.dtype == torch.float32 or exact):
            refuse(name, _kind(tensor), f"float32 [{len(hidden)}], one per row of hidden")
        if tensor.device != hidden.device:
            refuse(name, f"on {tensor.device}", f"on {hidden.device}, where hidden is")
        if tensor.requires_grad:
            refuse(name, "a tensor that requires a gradient", f"data: pass {name}.detach()")


def check_targets(vocabulary: int, targets: Tensor) -> None:
    """On CPU alone: on CUDA looking would stop the device. Raises ValueError."""
    if targets.device.type == "cpu":
        outside = (targets < 0) | (targets >= vocabulary)
        if outside.any():
            t = int(outside.nonzero()[0])
            refuse(f"targets[{t}]", int(targets[t]), f"in [0, {vocabulary})")


def check_values(
    vocabulary: int, targets: Tensor, coefficients: Tensor, rows: Tensor | None
) -> None:
    """What costs O(T) on CPU and a synchronisation on CUDA. Raises ValueError."""
    outside = ((targets < 0) | (targets >= vocabulary)) & (targets != NO_TARGET)
    if outside.any():
        t = int(outside.nonzero()[0])
        refuse(f"targets[{t}]", int(targets[t]), f"in [0, {vocabulary}), or -100 for no target")
    if not coefficients.isfinite().all():
        t = int((~coefficients.isfinite()).nonzero()[0])
        refuse(f"coefficients[{t}]", float(coefficients[t]), "a finite number")
    counts = (targets != NO_TARGET) & (coefficients != 0)
    if rows is not None and not torch.equal(rows.sort().values, counts.nonzero().squeeze(1)):
        refuse("rows", f"{rows.numel()} indices",
               f"each of the {int(counts.sum())} rows that count once"
               " (target is not -100, coefficient is not 0)")


def refuse(name: str, got: object, expected: str) -> None:
    raise ValueError(f"{name} is {got}, expected {expected}")


def _kind(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"
