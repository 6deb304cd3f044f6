"""Write a decoder as a Hugging Face directory: config.json, safetensors, generation_config.json."""

import json
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from tl import InputError
from tl.durable_file import sync
from tl.model.config import ModelConfig
from tl.model.decoder import Decoder

_CONFIG = "config.json"
_INDEX = "model.safetensors.index.json"
_WEIGHTS = re.compile(r"model(-\d{5}-of-\d{5})?\.safetensors(\.index\.json)?")


@torch.no_grad()
def save_model(
    model: Decoder,
    directory: str | Path,
    *,
    config: ModelConfig | None = None,
    dtype: torch.dtype | None = None,
    gather: Callable[[nn.Parameter], Tensor] | None = None,
    write: bool = True,
    max_shard_bytes: float = 5e9,
    extra_files: Iterable[Path] = (),
) -> list[Path]:
    """Write the model so that transformers and `load_model` read it; returns the files written.

    dtype: of the files; None = the dtype the weights had on disk (`model.config.dtype`).
    gather: makes a full tensor of a sharded parameter; every process calls this function, and it
        calls `gather` for every parameter in the same order; only the one with `write` keeps and
        writes them.
    extra_files: copied beside the weights, tokenizer files for example.

    One shard at most is in memory. Everything is written to a hidden folder first and then
    renamed, file by file; weight files of an earlier save that are not part of this one are
    removed. While that goes on there is no config.json, so that a mixture cannot be loaded.
    """
    directory, config = Path(directory), config or model.config
    parameters = dict(model.named_parameters())  # a tied lm_head is named once, as the embedding
    dtype = dtype or getattr(torch, config.dtype or "float32")
    sizes = {name: parameter.numel() * dtype.itemsize for name, parameter in parameters.items()}
    shards = plan_shards(sizes, max_shard_bytes)
    staging = _make_staging(directory) if write else None
    try:
        for file, names in shards.items():
            tensors = {}
            for name in names:
                full = gather(parameters[name]) if gather else parameters[name]
                if staging:
                    tensors[name] = full.detach().to("cpu", dtype).contiguous()
            if staging:
                save_file(tensors, staging / file, metadata={"format": "pt"})
        if staging is None:
            return []
        if len(shards) > 1:
            _write_json(staging / _INDEX, _index(shards, sizes))
        saved = config.with_dtype(str(dtype).removeprefix("torch."))
        _write_companions(staging, model, saved, extra_files)
        return _publish(staging, directory)
    finally:
        if staging:
            shutil.rmtree(staging, ignore_errors=True)


def plan_shards(sizes: dict[str, int], limit: float) -> dict[str, list[str]]:
    """File names and the tensors of each, in order; none above `limit` bytes unless a single
    tensor is."""
    groups: list[list[str]] = [[]]
    filled = 0
    for name, size in sizes.items():
        if groups[-1] and filled + size > limit:
            groups.append([])
            filled = 0
        groups[-1].append(name)
        filled += size
    if len(groups) == 1:
        return {"model.safetensors": groups[0]}
    count = len(groups)
    return {
        f"model-{i:05}-of-{count:05}.safetensors": names for i, names in enumerate(groups, start=1)
    }


def _index(shards: dict[str, list[str]], sizes: dict[str, int]) -> dict:
    weight_map = {name: file for file, names in shards.items() for name in names}
    return {"metadata": {"total_size": sum(sizes.values())}, "weight_map": weight_map}


def _write_companions(
    staging: Path, model: Decoder, config: ModelConfig, extra_files: Iterable[Path]
) -> None:
    _write_json(staging / _CONFIG, config.to_hf())
    if model.generation_config is not None:
        (staging / "generation_config.json").write_bytes(model.generation_config)
    for path in extra_files:
        shutil.copyfile(path, staging / Path(path).name)


def _write_json(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _make_staging(directory: Path) -> Path:
    staging = directory / ".saving"
    shutil.rmtree(staging, ignore_errors=True)  # of a save that was killed
    try:
        staging.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"{directory}: cannot save the model here: {error.strerror}") from error
    return staging


def _publish(staging: Path, directory: Path) -> list[Path]:
    """Move the finished files into place and remove weight files of an earlier save.

    The old config.json goes first and the new one comes last. Nobody loads a model without it, so
    after a kill or a power failure in between there is no model rather than a mixture of two.
    """
    written = sorted(staging.iterdir())
    for path in written:
        path.chmod(0o644)  # safetensors writes files that only their owner can read
        sync(path)
    (directory / _CONFIG).unlink(missing_ok=True)
    sync(directory)
    names = {path.name for path in written}
    for path in directory.iterdir():
        if _WEIGHTS.fullmatch(path.name) and path.name not in names:
            path.unlink()
    for name in names - {_CONFIG}:
        (staging / name).replace(directory / name)
    sync(directory)
    (staging / _CONFIG).replace(directory / _CONFIG)
    sync(directory)
    return [directory / path.name for path in written]
