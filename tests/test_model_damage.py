"""Damaged model directories: each ends in one line that names the file and what is wrong."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.test_model_hf import TINY, tiny
from tl import InputError
from tl.model.hf import load_config, load_model, save_model


@pytest.fixture
def directory(tmp_path) -> Path:
    """A saved tiny model in one file, to be damaged."""
    save_model(tiny(TINY), tmp_path)
    return tmp_path


def edit(change):
    """A corruption that changes the tensors of model.safetensors by name."""

    def corrupt(directory):
        tensors = load_file(directory / "model.safetensors")
        save_file(change(tensors), directory / "model.safetensors")

    return corrupt


def write(name, content):
    def corrupt(directory):
        (directory / name).write_bytes(content)

    return corrupt


def shard(change):
    """A corruption of a sharded save: `change(directory, index)`."""

    def corrupt(directory):
        save_model(tiny(), directory, max_shard_bytes=2000)
        path = directory / "model.safetensors.index.json"
        index = json.loads(path.read_text())
        change(directory, index)
        path.write_text(json.dumps(index))

    return corrupt


def truncate(directory):
    path = directory / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def empty(directory):
    for path in directory.iterdir():
        path.unlink()


def bin_file(content):
    def corrupt(directory):
        (directory / "model.safetensors").unlink()
        if isinstance(content, bytes):
            (directory / "pytorch_model.bin").write_bytes(content)
        else:
            torch.save(content, directory / "pytorch_model.bin")

    return corrupt


def only(name):
    """Nothing but config.json and a file of this name."""

    def corrupt(directory):
        (directory / "model.safetensors").rename(directory / name)

    return corrupt


def without(tensors, *names):
    return {name: tensor for name, tensor in tensors.items() if name not in names}


def set_value(name, value):
    def change(tensors):
        tensors[name].view(-1)[3] = value
        return tensors

    return edit(change)


def two_shards_hold_the_same(directory, index):
    names = sorted(set(index["weight_map"].values()))
    save_file(
        load_file(directory / names[0]) | load_file(directory / names[1]), directory / names[1]
    )


NORM, Q = "model.norm.weight", "model.layers.1.self_attn.q_proj.weight"
DAMAGED = {
    "empty directory": (empty, "no config.json"),
    "config is no JSON": (write("config.json", b'{"model_type": '), "config.json: no valid JSON"),
    "config is no UTF-8": (write("config.json", b"\xff\xfe"), "config.json: byte"),
    "config is a list": (write("config.json", b"[]"), "config.json: got a JSON list"),
    "no weights": (lambda d: (d / "model.safetensors").unlink(), "no weight files"),
    "shards without index": (only("model-00001-of-00002.safetensors"), "without an index"),
    "Meta's format": (only("consolidated.00.pth"), "Meta's own weight format"),
    "truncated": (truncate, "model.safetensors: damaged or cut off"),
    "garbage": (write("model.safetensors", b"x" * 500), "model.safetensors: damaged or cut off"),
    "empty file": (write("model.safetensors", b""), "model.safetensors: damaged or cut off"),
    "missing tensors": (edit(lambda t: without(t, NORM, Q)), f"2 missing: {Q}, {NORM}"),
    "missing head": (edit(lambda t: without(t, "lm_head.weight")), "tie_word_embeddings is false"),
    "unexpected tensor": (
        edit(lambda t: {**t, "model.layers.0.mlp.gate_proj.bias": torch.ones(20)}),
        "1 unexpected: model.layers.0.mlp.gate_proj.bias (in model.safetensors)",
    ),
    "wrong shape": (
        edit(lambda t: {**t, Q: t[Q].T.contiguous()}),
        f"1 wrong shape: {Q} (in model.safetensors: got [12, 16], expected [16, 12])",
    ),
    "base model": (
        edit(lambda t: {n.removeprefix("model."): x for n, x in t.items()}),
        "and 4 more",
    ),
    "NaN": (set_value(Q, float("nan")), f"tensor {Q}: got NaN or infinity"),
    "infinity": (
        set_value("model.embed_tokens.weight", float("-inf")),
        "embed_tokens.weight: got NaN or infinity",
    ),
    "int8": (edit(lambda t: {**t, Q: t[Q].to(torch.int8)}), f"tensor {Q}: got dtype I8"),
    "fp8": (
        edit(lambda t: {**t, Q: t[Q].to(torch.float8_e4m3fn)}),
        f"tensor {Q}: got dtype F8_E4M3",
    ),
    "index is no JSON": (
        lambda d: (
            (d / "model.safetensors").unlink(),
            (d / "model.safetensors.index.json").write_text("{"),
        ),
        "index.json: no valid JSON",
    ),
    "index without map": (shard(lambda d, i: i.pop("weight_map")), 'expected {"weight_map"'),
    "index map is a list": (
        shard(lambda d, i: i.update(weight_map=["a"])),
        'expected {"weight_map"',
    ),
    "index map of numbers": (
        shard(lambda d, i: i.update(weight_map={NORM: 1})),
        'expected {"weight_map"',
    ),
    "index leaves the directory": (
        shard(lambda d, i: i["weight_map"].update({NORM: "../model.safetensors"})),
        "in the same directory",
    ),
    "missing shard": (
        shard(lambda d, i: (d / i["weight_map"][NORM]).unlink()),
        "it lists is missing",
    ),
    "tensor in two shards": (shard(two_shards_hold_the_same), "expected it once"),
    "index promises too much": (
        shard(lambda d, i: save_file({"a": torch.ones(1)}, d / i["weight_map"][NORM])),
        "model.norm.weight",
    ),
    "pickle with code": (
        bin_file(b"cos\nsystem\n(S'touch pwned'\ntR."),
        "not a file of plain tensors",
    ),
    "bin with objects": (bin_file({"model": Path("x")}), "not a file of plain tensors"),
    "bin with numbers": (
        bin_file({"step": 3, NORM: torch.ones(12)}),
        "tensors by name and nothing else",
    ),
    "bin nested": (
        bin_file({"state_dict": {NORM: torch.ones(12)}}),
        "tensors by name and nothing else",
    ),
    "bin with int8": (bin_file({NORM: torch.ones(12, dtype=torch.int8)}), "got dtype int8"),
    "bin truncated": (bin_file(b"PK\x03\x04 nothing more"), "not a file of plain tensors"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_directories_are_refused_in_one_line(name, directory):
    corrupt, expected = DAMAGED[name]
    corrupt(directory)
    with pytest.raises(InputError) as caught:
        load_model(directory)
    message = str(caught.value)
    assert expected in message and str(directory) in message and "\n" not in message
    assert len(message) < 2500 and not Path("pwned").exists()


def test_other_places_are_refused_in_one_line(tmp_path):
    with pytest.raises(InputError, match="no such directory"):
        load_config("meta-llama/Llama-2-7b-hf")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot save the model here"):
        save_model(tiny(), tmp_path / "file")


def test_fp16_overflow_on_load_is_refused(directory):
    set_value(Q, 1e6)(directory)
    load_model(directory)
    with pytest.raises(InputError, match="got NaN or infinity, read as float16"):
        load_model(directory, torch.float16)
