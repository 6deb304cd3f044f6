"""The weight files of a Hugging Face directory, read tensor by tensor.

    model.safetensors                    or model.safetensors.index.json and the shards it lists
    pytorch_model.bin                    or pytorch_model.bin.index.json and its shards

Safetensors are preferred where both exist; `.bin` goes through torch.load(weights_only=True) only.
Headers are read first, so that a wrong directory is refused before memory is taken. Then one file
at a time is mapped, and one tensor at a time is copied out: the host holds the model and at most
one file.
"""

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from tl import InputError
from tl.json_file import read_json

DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}


class Stored(NamedTuple):
    """One tensor in a file. While the file is open, `values[a:b]` reads those rows of it."""

    file: Path
    shape: tuple[int, ...]
    dtype: str  # "bfloat16"
    values: Any  # a safetensors slice, or a mapped Tensor


def weight_files(directory: Path) -> list[Path]:
    """The files that hold the weights. InputError if there are none, or not all of them."""
    for stem, suffix in (("model", "safetensors"), ("pytorch_model", "bin")):
        single, index = directory / f"{stem}.{suffix}", directory / f"{stem}.{suffix}.index.json"
        if single.is_file():
            return [single]
        if index.is_file():
            return _shards(index)
    if list(directory.glob("consolidated.*.pth")):
        raise InputError(
            f"{directory}: got Meta's own weight format (consolidated.*.pth), whose names and "
            "rotary layout differ; expected model.safetensors: use the -hf version of the model"
        )
    orphans = sorted(path.name for path in directory.glob("*.safetensors"))
    found = f"only {', '.join(orphans[:4])} without an index" if orphans else "no weight files"
    raise InputError(
        f"{directory}: got {found}, expected model.safetensors or model.safetensors.index.json"
    )


def _shards(index: Path) -> list[Path]:
    """The files that an index names, in order."""
    content = read_json(index)
    weight_map = content.get("weight_map") if isinstance(content, dict) else None
    files = weight_map.values() if isinstance(weight_map, dict) else ()
    if not files or not all(isinstance(name, str) for name in files):
        raise InputError(f'{index}: expected {{"weight_map": {{tensor name: file name, ...}}}}')
    names = sorted(set(files))
    for name in names:
        if Path(name).name != name:
            expected = "a name in the same directory"
            raise InputError(f"{index}: got file name {name!r}, expected {expected}")
        if not (index.parent / name).is_file():
            raise InputError(f"{index}: the file {name} it lists is missing: download it again")
    return [index.parent / name for name in names]


def read_headers(directory: Path) -> dict[str, Stored]:
    """Every tensor of the directory by name, without its values."""
    found: dict[str, Stored] = {}
    for path in weight_files(directory):
        with open_weights(path) as tensors:
            for name, stored in tensors.items():
                if name in found:
                    raise InputError(
                        f"{path}: tensor {name} stands in {found[name].file.name} too, "
                        "expected it once"
                    )
                found[name] = stored._replace(values=None)
    return found


@contextmanager
def open_weights(path: Path) -> Iterator[dict[str, Stored]]:
    """The tensors of one file, mapped, by name. InputError if it is damaged or quantised."""
    opener = _open_bin if path.suffix == ".bin" else _open_safetensors
    try:
        with opener(path) as tensors:
            for name, stored in tensors.items():
                if stored.dtype not in DTYPES.values():
                    got = f"tensor {name}: got dtype {stored.dtype}"
                    expected = f"{', '.join(DTYPES.values())}: quantised weights cannot be trained"
                    raise InputError(f"{path}: {got}, expected one of {expected}")
            yield tensors
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: damaged or cut off ({error}): download it again") from error


@contextmanager
def _open_safetensors(path: Path) -> Iterator[dict[str, Stored]]:
    with safe_open(path, framework="pt") as file:
        tensors = {}
        for name in file.keys():
            values = file.get_slice(name)
            dtype = values.get_dtype()
            tensors[name] = Stored(
                path, tuple(values.get_shape()), DTYPES.get(dtype, dtype), values
            )
        yield tensors


@contextmanager
def _open_bin(path: Path) -> Iterator[dict[str, Stored]]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{path}: not a file of plain tensors that torch.load(weights_only=True, mmap=True) "
            f"reads ({reason}); convert the model to safetensors"
        ) from error
    is_plain = isinstance(content, dict) and all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()
    )
    if not is_plain:
        raise InputError(
            f"{path}: expected tensors by name and nothing else; convert the model to safetensors"
        )
    yield {
        name: Stored(path, tuple(each.shape), str(each.dtype).removeprefix("torch."), each)
        for name, each in content.items()
    }
