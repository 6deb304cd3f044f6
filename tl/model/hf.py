"""Decoders from and to Hugging Face directories; parameter names are those of the files.

    model = load_model("CodeLlama-7b-hf", torch.float32, "cuda")
    save_model(model, "out/sft")                                     loads in transformers unchanged

A sharded model is loaded and saved through two hooks, so that this room knows nothing of
processes: `copy(parameter, values)` writes into a parameter what it needs of `values`
(`values[a:b]` reads only those rows from the file) and returns what it wrote; `gather(parameter)`
returns the full tensor.
"""

import functools
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tl import InputError
from tl.json_file import read_json
from tl.model.config import ModelConfig
from tl.model.decoder import Decoder
from tl.model.save import save_model
from tl.model.weights import Stored, open_weights, read_headers, weight_files

__all__ = ["init_model", "init_weights", "load_config", "load_model", "load_weights", "save_model"]

Copy = Callable[[nn.Parameter, Any], Tensor]

# Constants that old checkpoints carry beside the parameters.
_IGNORED = re.compile(r"rotary_emb\.inv_freq$")
_LISTED = 20  # names of each kind in one error message


def load_config(directory: str | Path) -> ModelConfig:
    """The architecture in DIRECTORY/config.json. Raises InputError."""
    directory = Path(directory)
    if not directory.is_dir():
        raise InputError(
            f"{directory}: no such directory, expected a downloaded model: config.json and weights"
        )
    path = directory / "config.json"
    if not path.is_file():
        raise InputError(
            f"{directory}: got no config.json, expected a Hugging Face model directory"
        )
    return ModelConfig.from_hf(read_json(path), where=str(path))


def load_model(
    directory: str | Path, dtype: torch.dtype | None = None, device: str | torch.device = "cpu"
) -> Decoder:
    """The model of a directory; `dtype` None = the dtype of the files. Raises InputError."""
    config, stored = load_config(directory), read_headers(Path(directory))
    with torch.device("meta"):
        model = Decoder(config)
    _check_tensors(model, stored, directory)  # before memory is taken
    model.to(dtype or getattr(torch, _widest(stored)))
    model.to_empty(device=device)
    load_weights(model, directory)
    return model


def init_model(
    config: ModelConfig,
    seed: int,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
) -> Decoder:
    """A new model with random weights, the same on every device. See `init_weights`."""
    with torch.device("meta"):
        model = Decoder(config)
    model.to(dtype).to_empty(device=device)
    init_weights(model, seed)
    return model


def copy_all(parameter: nn.Parameter, values: Any) -> Tensor:
    """The `copy` hook of a model that is not sharded."""
    return parameter.copy_(values[:])


@torch.no_grad()
def init_weights(model: Decoder, seed: int, copy: Copy = copy_all) -> None:
    """Matrices from N(0, initializer_range^2), norms 1, biases 0. Each parameter is drawn on the
    CPU from its own generator, seeded by `seed` and its name: the numbers depend on no device,
    order or sharding."""
    for name, parameter in model.named_parameters():
        # one number from both; the generator itself uses no more than its low 32 bits
        generator = torch.Generator().manual_seed(zlib.crc32(f"{seed} {name}".encode()))
        values = torch.full(parameter.shape, 0.0 if name.endswith("bias") else 1.0)
        if values.dim() == 2:
            values.normal_(0.0, model.config.initializer_range, generator=generator)
        copy(parameter, values)
    model.config = model.config.with_dtype(_name(next(model.parameters()).dtype))


@torch.no_grad()
def load_weights(model: Decoder, directory: str | Path, copy: Copy = copy_all) -> None:
    """Fill every parameter from the files, casting to its dtype; raises InputError unless the
    names and shapes are exactly the model's and every value is finite. `model.config.dtype`
    becomes the dtype of the files."""
    directory = Path(directory)
    stored = read_headers(directory)
    _check_tensors(model, stored, directory)
    parameters = dict(model.named_parameters())
    for file in weight_files(directory):
        with open_weights(file) as tensors:
            for name in (name for name in tensors if name in parameters):
                written = copy(parameters[name], tensors[name].values)
                if not _is_finite(written):
                    got = f"NaN or infinity, read as {_name(written.dtype)}"
                    raise InputError(f"{file}: tensor {name}: got {got}, expected finite weights")
    if model.config.tie_word_embeddings:
        _check_tied(model, stored)
    model.config = model.config.with_dtype(_widest(stored))
    companion = directory / "generation_config.json"
    model.generation_config = companion.read_bytes() if companion.is_file() else None


def _is_finite(values: Tensor) -> bool:
    """True if no value is NaN or infinite. The largest magnitude tells, and takes no memory of the
    tensor's size as `isfinite()` does; an empty shard has none."""
    return values.numel() == 0 or bool(torch.linalg.vector_norm(values, torch.inf).isfinite())


def _check_tensors(model: Decoder, stored: dict[str, Stored], directory: str | Path) -> None:
    """Raise one InputError that names what is missing, unexpected or of another shape."""
    shapes = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
    if model.config.tie_word_embeddings and "lm_head.weight" in stored:
        shapes["lm_head.weight"] = shapes["model.embed_tokens.weight"]
    missing = [name for name in shapes if name not in stored]
    unexpected = [
        f"{name} (in {each.file.name})"
        for name, each in stored.items()
        if name not in shapes and not _IGNORED.search(name)
    ]
    misshapen = [
        f"{name} (in {stored[name].file.name}: got {list(stored[name].shape)}, "
        f"expected {list(shape)})"
        for name, shape in shapes.items()
        if name in stored and stored[name].shape != shape
    ]
    kinds = {"missing": missing, "unexpected": unexpected, "wrong shape": misshapen}
    problems = [f"{len(names)} {kind}: {_listed(names)}" for kind, names in kinds.items() if names]
    if missing == ["lm_head.weight"]:
        problems.append("tie_word_embeddings is false, so lm_head.weight must be there")
    if problems:
        raise InputError(
            f"{directory}: the weights are not those of config.json: {'; '.join(problems)}"
        )


def _listed(names: list[str]) -> str:
    rest = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + rest


def _check_tied(model: Decoder, stored: dict[str, Stored]) -> None:
    """A tied model's lm_head, where the files hold one, must equal the embedding."""
    assert model.lm_head.weight is model.model.embed_tokens.weight, "tied weights were parted"
    names = ("model.embed_tokens.weight", "lm_head.weight")
    if names[1] not in stored:
        return
    files = [stored[name].file for name in names]
    with open_weights(files[0]) as first, open_weights(files[1]) as second:
        embedding, head = first[names[0]], second[names[1]]
        for row in range(0, embedding.shape[0], 4096):
            if not torch.equal(embedding.values[row : row + 4096], head.values[row : row + 4096]):
                raise InputError(
                    f"{files[1]}: lm_head.weight differs from model.embed_tokens.weight, "
                    "expected them equal: config.json says tie_word_embeddings"
                )


def _widest(stored: dict[str, Stored]) -> str:
    """The narrowest dtype that holds all weights exactly; nearly always the one they all have."""
    names = {each.dtype for name, each in stored.items() if not _IGNORED.search(name)}
    return _name(functools.reduce(torch.promote_types, (getattr(torch, name) for name in names)))


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
