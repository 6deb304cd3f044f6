"""Model directories: what is saved loads bit-equal, here and in transformers; memory; hooks."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tests.strategies.model import configs, stream
from tl import InputError
from tl.model.config import ModelConfig
from tl.model.decoder import Decoder
from tl.model.hf import init_model, init_weights, load_model, load_weights, save_model
from tl.model.save import plan_shards

TINY = {
    "model_type": "qwen3", "vocab_size": 19, "hidden_size": 12, "intermediate_size": 20,
    "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 4,
    "tie_word_embeddings": False, "torch_dtype": "float32", "eos_token_id": 7,
}  # fmt: skip
TIED = {**TINY, "tie_word_embeddings": True}


def tiny(config: dict = TINY, seed: int = 1, dtype: torch.dtype = torch.float32) -> Decoder:
    return init_model(ModelConfig.from_hf(config), seed, dtype)


def same_bits(a: Decoder, b: Decoder) -> bool:
    first, second = dict(a.named_parameters()), dict(b.named_parameters())
    return first.keys() == second.keys() and all(
        torch.equal(first[name], second[name]) for name in first
    )


@pytest.fixture
def directory(tmp_path) -> Path:
    """A saved tiny model in one file."""
    save_model(tiny(), tmp_path)
    return tmp_path


# ---- save and load are inverse


@settings(max_examples=25)
@given(
    configs(),
    st.sampled_from([100, 1000, 5e9]),
    st.sampled_from(["float32", "bfloat16", "float16"]),
)
def test_save_then_load_is_the_identity(tmp_path_factory, config, max_shard_bytes, dtype):
    directory = tmp_path_factory.mktemp("saved")
    model = tiny(config, dtype=getattr(torch, dtype))
    files = save_model(model, directory, max_shard_bytes=max_shard_bytes)
    assert sorted(files) == sorted(directory.iterdir())
    loaded = load_model(directory)
    assert same_bits(loaded, model)
    assert loaded.config == model.config and loaded.config.dtype == dtype
    names = {name for file in directory.glob("*.safetensors") for name in load_file(file)}
    assert ("lm_head.weight" in names) != config["tie_word_embeddings"]


def test_sharded_equals_single(tmp_path):
    model = tiny(TIED)
    single, sharded = tmp_path / "single", tmp_path / "sharded"
    save_model(model, single)
    files = save_model(model, sharded, max_shard_bytes=2000)
    shards = [file for file in files if file.suffix == ".safetensors"]
    assert len(shards) > 3
    assert all(
        re.fullmatch(rf"model-\d{{5}}-of-{len(shards):05}\.safetensors", file.name)
        for file in shards
    )
    whole = load_file(single / "model.safetensors")
    index = json.loads((sharded / "model.safetensors.index.json").read_text())
    assert index["metadata"]["total_size"] == sum(each.nbytes for each in whole.values())
    assert index["weight_map"].keys() == whole.keys()
    for name, file in index["weight_map"].items():
        with safe_open(sharded / file, framework="pt") as opened:
            assert opened.metadata() == {"format": "pt"}
            assert torch.equal(opened.get_tensor(name), whole[name])
    assert same_bits(load_model(sharded), load_model(single))


@given(st.dictionaries(st.text(min_size=1), st.integers(1, 50), min_size=1), st.integers(1, 120))
def test_shards_hold_every_tensor_once_in_order_within_the_limit(sizes, limit):
    shards = plan_shards(sizes, limit)
    assert [name for names in shards.values() for name in names] == list(sizes)
    assert all(
        len(names) == 1 or sum(sizes[name] for name in names) <= limit for names in shards.values()
    )


def test_a_second_save_replaces_the_first_and_leaves_nothing_of_it(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    save_model(tiny(), tmp_path, max_shard_bytes=2000)
    second = tiny(seed=2)
    files = save_model(second, tmp_path)
    assert {file.name for file in files} == {"config.json", "model.safetensors"}
    assert {file.name for file in tmp_path.iterdir()} == {
        "config.json",
        "model.safetensors",
        "notes.txt",
    }
    assert same_bits(load_model(tmp_path), second)


def test_a_save_that_fails_leaves_the_earlier_model_untouched(directory):
    before = {file.name: file.read_bytes() for file in directory.iterdir()}
    calls = []

    def gather(parameter):
        calls.append(1)
        if len(calls) > 5:
            raise RuntimeError("a process died")
        return parameter

    with pytest.raises(RuntimeError):
        save_model(tiny(seed=2), directory, gather=gather, max_shard_bytes=1000)
    assert {file.name: file.read_bytes() for file in directory.iterdir()} == before


@pytest.mark.parametrize("before", [2000, 5e9], ids=["old shards", "old single file"])
@pytest.mark.parametrize("after", [2000, 5e9], ids=["new shards", "new single file"])
def test_a_save_killed_at_any_rename_leaves_no_mixture(tmp_path, monkeypatch, before, after):
    old, new = tiny(seed=1), tiny(seed=2)
    outcomes = []
    for allowed in range(40):
        directory = tmp_path / str(allowed)
        save_model(old, directory, max_shard_bytes=before)
        with monkeypatch.context() as patch:
            killed = kill_after(patch, directory, allowed)
            try:
                save_model(new, directory, max_shard_bytes=after)
            except KeyboardInterrupt:
                pass
        try:
            found = load_model(directory)
            assert same_bits(found, old) or same_bits(found, new)
            outcomes.append("old" if same_bits(found, old) else "new")
        except InputError:
            outcomes.append("none")
        if not killed:
            break
    assert outcomes[0] == "old" and outcomes[-1] == "new" and "none" in outcomes


def kill_after(patch, directory: Path, allowed: int) -> list:
    """Lets that many changes of the names in `directory` happen; the next one is a Ctrl-C. The
    list that is returned is empty until then."""
    changes, killed = [], []

    def counted(change):
        def act(path, *args, **kwargs):
            target = Path(args[0] if args else path)
            if target.parent == directory and target.name != ".saving":
                changes.append(target)
                if len(changes) > allowed:
                    killed.append(target)
                    raise KeyboardInterrupt
            return change(path, *args, **kwargs)

        return act

    for name in ("replace", "unlink"):
        patch.setattr(os, name, counted(getattr(os, name)))
    return killed


def test_config_keeps_its_spelling_and_companions_are_copied(tmp_path):
    source, target, tokenizer = (
        tmp_path / "source",
        tmp_path / "target",
        tmp_path / "tokenizer.json",
    )
    save_model(tiny(), source)
    (source / "generation_config.json").write_bytes(
        b'{"eos_token_id": [7, 8],}'
    )  # as broken as Llama-3.2's was
    tokenizer.write_text("{}")
    model = load_model(source)
    (source / "generation_config.json").unlink()  # a pruned checkpoint
    files = save_model(model, target, dtype=torch.bfloat16, extra_files=[tokenizer])
    assert {file.name for file in files} == {
        "config.json", "model.safetensors", "generation_config.json", "tokenizer.json",
    }  # fmt: skip
    assert (target / "generation_config.json").read_bytes() == b'{"eos_token_id": [7, 8],}'
    written = json.loads((target / "config.json").read_text())
    assert written == {**TINY, "torch_dtype": "bfloat16", "architectures": ["Qwen3ForCausalLM"]}


def test_weights_are_saved_in_the_dtype_they_had_on_disk(tmp_path):
    save_model(tiny(dtype=torch.bfloat16), tmp_path / "bf16")
    master = load_model(tmp_path / "bf16", dtype=torch.float32)
    assert {parameter.dtype for parameter in master.parameters()} == {torch.float32}
    save_model(master, tmp_path / "again")
    assert (tmp_path / "again/model.safetensors").read_bytes() == (
        tmp_path / "bf16/model.safetensors"
    ).read_bytes()
    save_model(master, tmp_path / "fp32", dtype=torch.float32)
    assert load_model(tmp_path / "fp32").config.dtype == "float32"


def test_hooks_of_a_sharded_model(directory):
    """`copy` can read rows only; `gather` is called for every parameter in the same order, writing
    or not."""
    rows_read = []

    class Rows:
        """Counts what is read of a safetensors slice."""

        def __init__(self, values):
            self.values = values

        def __getitem__(self, index):
            part = self.values[index]
            rows_read.append(len(part))
            return part

    def copy_last_half(parameter, values):
        half = len(parameter) // 2
        return parameter[half:].copy_(Rows(values)[half:])

    model = tiny(seed=2)
    untouched = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    load_weights(model, directory, copy_last_half)
    expected = dict(tiny().named_parameters())
    for name, parameter in model.named_parameters():
        half = len(parameter) // 2
        assert torch.equal(parameter[half:], expected[name][half:])
        assert torch.equal(parameter[:half], untouched[name][:half])
    assert sum(rows_read) == sum(len(p) - len(p) // 2 for p in model.parameters())

    def save(write):
        seen = []

        def gather(parameter):
            seen.append(id(parameter))
            return parameter

        target = directory / f"write {write}"
        files = save_model(model, target, gather=gather, write=write, max_shard_bytes=500)
        assert bool(files) == write == target.exists()
        return seen

    assert save(True) == save(False) == [id(parameter) for parameter in model.parameters()]


def test_init_depends_on_seed_and_name_only(tmp_path):
    model = tiny({**TINY, "initializer_range": 0.5, "vocab_size": 400})
    assert same_bits(model, tiny({**TINY, "initializer_range": 0.5, "vocab_size": 400}))
    assert not torch.equal(model.lm_head.weight, tiny(model.config.source, seed=2).lm_head.weight)
    assert model.lm_head.weight.std().item() == pytest.approx(0.5, rel=0.05)
    assert not torch.equal(model.lm_head.weight, model.model.embed_tokens.weight)
    assert model.model.norm.weight.eq(1).all()
    biased = tiny({**TINY, "model_type": "qwen2"})
    assert biased.model.layers[0].self_attn.q_proj.bias.eq(0).all()
    init_weights(biased, seed=9, copy=lambda parameter, values: parameter.copy_(values[:]))
    assert not same_bits(biased, tiny({**TINY, "model_type": "qwen2"}))


def test_old_checkpoints_with_rotary_constants_load(directory):
    tensors = load_file(directory / "model.safetensors")
    tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(2)
    save_file(tensors, directory / "model.safetensors")
    assert same_bits(load_model(directory), tiny())


def test_bin_files_load_and_safetensors_are_preferred(directory):
    tensors = load_file(directory / "model.safetensors")
    (directory / "model.safetensors").unlink()
    torch.save(tensors, directory / "pytorch_model.bin")
    assert same_bits(load_model(directory), tiny())
    (directory / "pytorch_model.bin").rename(directory / "part.bin")
    weight_map = dict.fromkeys(tensors, "part.bin")
    (directory / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": weight_map}))
    assert same_bits(load_model(directory), tiny())
    other = tiny(seed=2)
    save_file(dict(other.state_dict()), directory / "model.safetensors")
    assert same_bits(load_model(directory), other)


def test_a_tied_head_may_be_stored_when_it_is_equal(tmp_path):
    save_model(tiny(TIED), tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()
    save_file(tensors, tmp_path / "model.safetensors")
    model = load_model(tmp_path)
    assert same_bits(model, tiny(TIED)) and model.lm_head.weight is model.model.embed_tokens.weight
    tensors["lm_head.weight"][18, 3] += 1
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(InputError, match="lm_head.weight differs"):
        load_model(tmp_path)


# ---- memory and the oracle

# VmHWM, the peak of this program, and not ru_maxrss, which a child inherits from its parent.
MEASURE = """
import re, sys, torch
from tl.model.hf import load_model
memory = lambda kind: int(re.search(kind + r":\\s+(\\d+) kB", open("/proc/self/status").read())[1])
before = memory("VmRSS")
model = load_model(sys.argv[1], torch.float32)
print(memory("VmHWM") - before)
"""


def test_loading_holds_the_model_and_one_shard(tmp_path):
    """Peak resident memory of a fresh process, mapped file pages included, against the sizes on
    disk."""
    if not Path("/proc/self/status").exists():
        pytest.skip("peak memory is read from /proc, which this system has not")
    config = {
        **TINY,
        "vocab_size": 20000,
        "hidden_size": 512,
        "intermediate_size": 4096,
        "num_hidden_layers": 5,
    }
    model = tiny(config)
    model_bytes = sum(parameter.nbytes for parameter in model.parameters())
    assert 190e6 < model_bytes < 250e6
    files = save_model(model, tmp_path, max_shard_bytes=40e6)
    largest = max(file.stat().st_size for file in files)
    root = Path(__file__).resolve().parents[1]
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, tmp_path],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    grown = int(run.stdout) * 1024
    print(
        f"model {model_bytes / 1e6:.0f} MB, largest file {largest / 1e6:.0f} MB, "
        f"peak growth {grown / 1e6:.0f} MB"
    )
    assert model_bytes * 0.9 < grown < model_bytes + largest + 50e6


@pytest.mark.parametrize(
    "config", [TINY, TIED, {**TINY, "model_type": "qwen2"}, {**TINY, "model_type": "llama"}]
)
@pytest.mark.parametrize("max_shard_bytes", [2000, 5e9])
def test_a_saved_directory_loads_in_transformers_unchanged(tmp_path, config, max_shard_bytes):
    transformers = pytest.importorskip(
        "transformers", reason="transformers is an oracle, not a dependency"
    )
    model = tiny(config, dtype=torch.bfloat16)
    save_model(model, tmp_path, max_shard_bytes=max_shard_bytes)
    theirs, info = transformers.AutoModelForCausalLM.from_pretrained(
        tmp_path, output_loading_info=True, dtype="auto"
    )
    assert not any(info.values()), info
    for name, parameter in model.named_parameters():
        assert (
            torch.equal(theirs.get_parameter(name), parameter)
            and theirs.get_parameter(name).dtype == torch.bfloat16
        )
    theirs.save_pretrained(tmp_path / "theirs")
    assert same_bits(load_model(tmp_path / "theirs"), model)
    input_ids, position_ids, cu_seqlens = stream([9], config["vocab_size"])
    logits = theirs.float()(input_ids[None]).logits[0]
    model.float()
    ours = model(input_ids, position_ids, cu_seqlens) @ model.lm_head.weight.T
    assert (logits - ours).abs().max() <= 2e-5
