"""What a checkpoint holds beside the weights: optimizer moments, random states, counters.

    trainer_state/
        optimizer-CCC-RRRRR-of-NNNNN.safetensors   the rows (dimension 0) that rank R of N held of
                                                   the moments in chunk C; N = 1 where replicated
        rng-RRRRR-of-NNNNN.safetensors             random states of rank R
        state.json                                 step, world size, the caller's values

The files of one chunk laid end to end are the whole moments, so any number of processes, sharded
or not, can read them. Moments are put into a fresh optimizer directly:
`Optimizer.load_state_dict` would cast them to the dtype of the parameter.
"""

import json
import random
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from torch.optim import Optimizer

from tl import InputError
from tl.run.parallel import Group
from tl.run.shard import local, rows

FOLDER = "trainer_state"
CHUNK_ELEMENTS = 2**28  # of parameters per optimizer file: 2 GiB of AdamW moments
DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def write(
    directory: Path, step: int, model: nn.Module, optimizer: Optimizer, values: dict, group: Group
) -> None:
    """Every rank writes its files into directory/trainer_state, which exists."""
    folder = directory / FOLDER
    sharded = any(isinstance(p, DTensor) for p in model.parameters())
    if sharded or group.is_main:
        for number, names in enumerate(_chunks(model)):
            path = folder / _part(f"optimizer-{number:03}", group, sharded)
            save_file(_moments(names, model, optimizer), path)
    _write_random_states(folder / _part("rng", group), group.device)
    if group.is_main:
        state = {"step": step, "world_size": group.size, "values": values}
        (folder / "state.json").write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")


def read_values(directory: Path) -> dict[str, Any]:
    """{"step": int, "world_size": int, "values": the caller's}"""
    return json.loads((directory / FOLDER / "state.json").read_text(encoding="utf-8"))


def restore(directory: Path, model: nn.Module, optimizer: Optimizer, group: Group) -> None:
    """Moments and random states as they were, bit for bit.

    Random states are restored where the number of processes is the same. Learning rate, betas and
    decay are those of the optimizer given, not of the checkpoint.
    """
    _restore_moments(directory / FOLDER, model, optimizer)
    path = directory / FOLDER / _part("rng", group)
    if path.is_file():
        _restore_random_states(path, group.device)


def _part(kind: str, group: Group, several: bool = True) -> str:
    rank, size = (group.rank, group.size) if several else (0, 1)
    return f"{kind}-{rank:05}-of-{size:05}.safetensors"


def _chunks(model: nn.Module) -> Iterator[list[str]]:
    """Parameter names in portions, the same on every rank; one is in memory at a time."""
    names, elements = [], 0
    for name, parameter in model.named_parameters():
        if names and elements + parameter.numel() > CHUNK_ELEMENTS:
            yield names
            names, elements = [], 0
        names.append(name)
        elements += parameter.numel()
    yield names


def _moments(names: list[str], model: nn.Module, optimizer: Optimizer) -> dict[str, Tensor]:
    """`exp_avg.lm_head.weight` -> this rank's rows of it; `step.lm_head.weight` -> a scalar."""
    return {
        f"{key}.{name}": local(value).detach().cpu().contiguous()
        for name in names
        for key, value in optimizer.state.get(model.get_parameter(name), {}).items()
    }


def _restore_moments(folder: Path, model: nn.Module, optimizer: Optimizer) -> None:
    optimizer.state.clear()
    paths = sorted(folder.glob("optimizer-*.safetensors"))
    for _, chunk in groupby(paths, key=lambda path: path.name.split("-")[1]):
        _restore_chunk(list(chunk), model, optimizer)


def _restore_chunk(paths: list[Path], model: nn.Module, optimizer: Optimizer) -> None:
    parameters = dict(model.named_parameters())
    with ExitStack() as stack:
        files = [stack.enter_context(safe_open(path, framework="pt")) for path in paths]
        for full_name in files[0].keys():
            key, name = full_name.split(".", 1)
            if name not in parameters:
                raise InputError(f"{paths[0]}: holds a moment of {name}, which the model has not")
            parts = [file.get_slice(full_name) for file in files]
            moment = _read(parts, parameters[name], where=f"{paths[0]}: {full_name}")
            optimizer.state[parameters[name]][key] = moment


def _read(parts: list, parameter: Tensor, where: str) -> Tensor:
    """The moment of a parameter, as much of it as this rank holds, from the rows in all files."""
    if not parts[0].get_shape():
        return parts[0][...].to(parameter.device)  # a step count; fused AdamW wants it there
    whole = [sum(part.get_shape()[0] for part in parts), *parts[0].get_shape()[1:]]
    if whole != list(parameter.shape):
        raise InputError(f"{where}: got shape {whole}, expected {list(parameter.shape)}")
    moment = torch.empty_like(parameter.detach(), dtype=DTYPES[parts[0].get_dtype()])
    own, first = rows(moment), 0
    for part in parts:
        count = part.get_shape()[0]
        start, stop = max(own.start, first), min(own.stop, first + count)
        if start < stop:
            local(moment)[start - own.start : stop - own.start] = part[start - first : stop - first]
        first += count
    return moment


def _write_random_states(path: Path, device: torch.device) -> None:
    tensors = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        tensors["cuda"] = torch.cuda.get_rng_state(device)
    name, keys, *position = numpy.random.get_state()
    numbers = {"python": random.getstate(), "numpy": [name, keys.tolist(), *position]}
    save_file(tensors, path, metadata={key: json.dumps(value) for key, value in numbers.items()})


def _restore_random_states(path: Path, device: torch.device) -> None:
    with safe_open(path, framework="pt") as file:
        torch.set_rng_state(file.get_tensor("cpu"))
        if device.type == "cuda" and "cuda" in file.keys():
            torch.cuda.set_rng_state(file.get_tensor("cuda"), device)
        numbers = {key: json.loads(value) for key, value in file.metadata().items()}
    version, words, gauss = numbers["python"]
    random.setstate((version, tuple(words), gauss))
    numpy.random.set_state(tuple(numbers["numpy"]))
