"""The weight files of a Hugging Face directory, read tensor by tensor.

    model.safetensors                                     or
    model.safetensors.index.json + model-0000i-of-0000n.safetensors            preferred where both kinds exist
    pytorch_model.bin, or its index + shards              read by torch.load(weights_only=True), never unpickled freely

Headers are read first, so that a wrong directory is refused before memory is taken. Then one file at a time is
mapped, and one tensor at a time is copied out: the host holds the model and at most one file.
"""

import json
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from tl import InputError

DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}


class Stored(NamedTuple):
    """One tensor in a file. `values[a:b]` reads those rows, `values[:]` all of it; usable while the file is open."""

    file: Path
    shape: tuple[int, ...]
    dtype: str  # "bfloat16"
    values: Any  # a safetensors slice, or a mapped Tensor


def weight_files(directory: Path) -> list[Path]:
    """The files that hold the weights. InputError if there are none, or if the index and the files disagree."""
    for stem, suffix in (("model", "safetensors"), ("pytorch_model", "bin")):
        single, index = directory / f"{stem}.{suffix}", directory / f"{stem}.{suffix}.index.json"
        if single.is_file():
            return [single]
        if index.is_file():
            return _shards(index)
    if list(directory.glob("consolidated.*.pth")):
        raise InputError(
            f"{directory}: got Meta's own weight format (consolidated.*.pth), whose names and rotary layout "
            "differ; expected model.safetensors: use the -hf version of the model"
        )
    orphans = sorted(path.name for path in directory.glob("*.safetensors"))
    found = f"only {', '.join(orphans[:4])} without an index" if orphans else "no weight files"
    raise InputError(f"{directory}: got {found}, expected model.safetensors or model.safetensors.index.json")


def _shards(index: Path) -> list[Path]:
    """The files that an index names, in order."""
    content = read_json(index)
    names = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(names, dict) or not names or not all(isinstance(each, str) for each in names.values()):
        raise InputError(f'{index}: expected {{"weight_map": {{tensor name: file name, ...}}}}')
    shards = []
    for name in sorted(set(names.values())):
        if Path(name).name != name:
            raise InputError(f"{index}: got file name {name!r}, expected a name in the same directory")
        if not (index.parent / name).is_file():
            raise InputError(f"{index}: the file {name} that it lists is missing: download it again")
        shards.append(index.parent / name)
    return shards


def read_headers(directory: Path) -> dict[str, Stored]:
    """Every tensor of the directory by name, without its values."""
    found: dict[str, Stored] = {}
    for path in weight_files(directory):
        with open_weights(path) as tensors:
            for name, stored in tensors.items():
                if name in found:
                    raise InputError(f"{path}: tensor {name} stands in {found[name].file.name} too, expected it once")
                found[name] = stored._replace(values=None)
    return found


@contextmanager
def open_weights(path: Path) -> Iterator[dict[str, Stored]]:
    """The tensors of one file by name, their values mapped. InputError if the file is damaged or quantised."""
    opener = _open_bin if path.suffix == ".bin" else _open_safetensors
    try:
        with opener(path) as tensors:
            for name, stored in tensors.items():
                if stored.dtype not in DTYPES.values():
                    expected = f"one of {', '.join(DTYPES.values())}: quantised weights cannot be trained"
                    raise InputError(f"{path}: tensor {name}: got dtype {stored.dtype}, expected {expected}")
            yield tensors
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: damaged or cut off ({error}): download it again") from error


@contextmanager
def _open_safetensors(path: Path) -> Iterator[dict[str, Stored]]:
    with safe_open(path, framework="pt") as file:
        slices = {name: file.get_slice(name) for name in file.keys()}
        yield {
            name: Stored(path, tuple(each.get_shape()), DTYPES.get(each.get_dtype(), each.get_dtype()), each)
            for name, each in slices.items()
        }


@contextmanager
def _open_bin(path: Path) -> Iterator[dict[str, Stored]]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{path}: not a file of plain tensors that torch.load(weights_only=True, mmap=True) reads ({reason}); "
            "convert the model to safetensors"
        ) from error
    is_plain = isinstance(content, dict) and all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()
    )
    if not is_plain:
        raise InputError(f"{path}: expected tensors by name and nothing else; convert the model to safetensors")
    yield {
        name: Stored(path, tuple(each.shape), str(each.dtype).removeprefix("torch."), each)
        for name, each in content.items()
    }


def read_json(path: Path) -> Any:
    """The content of a JSON file; InputError if it is missing or is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # both JSONDecodeError and UnicodeDecodeError
        raise InputError(f"{path}: not valid JSON: {error}") from error
