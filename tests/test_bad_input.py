"""Bad input to the command: one clear line, exit status 1 or 2, no traceback, nothing half-written.

Readers, tokenizers and model directories have tables of malformed files of their own; here the
command as a whole is given broken flags, files and directories, in a process as a user starts it
(`in_process`: the same main, without the cost of starting Python).
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import train_sft
from tests.micro import CONFIG, ROOT, write_data, write_model
from tl.run.report import run


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    """A directory with a usable `model/` and `data.json`."""
    directory = tmp_path_factory.mktemp("good")
    write_model(directory / "model")
    write_data(directory / "data.json")
    return directory


@pytest.fixture
def case(good, tmp_path) -> Path:
    """A copy of it, to be broken."""
    shutil.copytree(good, tmp_path / "case")
    return tmp_path / "case"


def in_process(capsys, *argv) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        run(lambda: train_sft.main([str(part) for part in argv]))
    printed = capsys.readouterr()
    return stopped.value.code, printed.out, printed.err


def refused(capsys, case: Path, *words: str, flags=(), status: int = 1) -> None:
    """The command ends with `status` and one line with all words; no run directory is left."""
    output = case / "out"
    base = ["--model", case / "model", "--data", case / "data.json", "--output_dir", output]
    code, _, err = in_process(capsys, *base, "--max_steps", 1, *flags)
    assert code == status, err
    assert "Traceback" not in err
    lines = [line for line in err.splitlines() if "error:" in line]
    assert len(lines) == 1, err
    for word in words:
        assert word in lines[0], lines[0]
    assert not output.exists() or not any(output.iterdir()), list(output.iterdir())


def edit_config(case: Path, **changes) -> None:
    path = case / "model" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def edit_weights(case: Path, change) -> None:
    path = case / "model" / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata={"format": "pt"})


def edit_record(case: Path, change) -> None:
    path = case / "data.json"
    records = json.loads(path.read_text())
    change(records[2])
    path.write_text(json.dumps(records))


def test_the_good_case_is_good(case):
    base = ["--model", case / "model", "--data", case / "data.json", "--output_dir", case / "out"]
    assert train_sft.main([str(part) for part in [*base, "--max_steps", 1]]) == 0


FLAGS = [
    (["--learning_rate", "fast"], "--learning_rate"),
    (["--learning_rate", "nan"], "--learning_rate"),
    (["--learning_rate", "-1"], "--learning_rate"),
    (["--max_steps", "0"], "--max_steps"),
    (["--num_train_epochs", "inf"], "--num_train_epochs"),
    (["--per_device_train_batch_size", "0"], "--per_device_train_batch_size"),
    (["--per_device_train_batch_size", "1.5"], "--per_device_train_batch_size"),
    (["--gradient_accumulation_steps", "-2"], "--gradient_accumulation_steps"),
    (["--warmup_ratio", "1.5"], "--warmup_ratio"),
    (["--max_weight", "0.5"], "--max_weight"),
    (["--max_weight", "0"], "--max_weight"),
    (["--dtype", "int8"], "--dtype"),
    (["--dialect", "klingon"], "--dialect"),
    (["--parallel", "magic"], "--parallel"),
    (["--loss_normalization", "none"], "--loss_normalization"),
    (["--on_bad_record", "guess"], "--on_bad_record"),
    (["--adam_beta2", "1"], "--adam_beta2"),
    (["--seed", "-1"], "--seed"),
    (["--learn", "1"], "--learn"),
    (["--no_such_flag"], "--no_such_flag"),
    (["--max_length", "0"], "--max_length"),
    (["--config", "no_such_file.json"], "no_such_file.json"),
]  # fmt: skip


@pytest.mark.parametrize(("flags", "word"), FLAGS, ids=lambda value: " ".join(value))
def test_flags(case, capsys, flags, word):
    refused(capsys, case, word, flags=flags, status=2)


@pytest.mark.parametrize("text", ['{"max_steps": ', '{"max_step": 3}', "[1]", '{"dtype": "int8"}'])
def test_config_files(case, capsys, text):
    (case / "flags.json").write_text(text)
    refused(capsys, case, "", flags=["--config", case / "flags.json"], status=2)


def test_data_without_model(case, capsys):
    code, _, err = in_process(capsys, "--data", case / "data.json")
    assert code == 2 and "--data without --model" in err


# --- model directory


def test_model_directory_is_missing(case, capsys):
    shutil.rmtree(case / "model")
    refused(capsys, case, "model", "no such directory")


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_model_file_is_missing(case, capsys, name):
    (case / "model" / name).unlink()
    refused(capsys, case, str(case / "model"))


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
@pytest.mark.parametrize("damage", ["truncated", "empty", "binary"])
def test_model_file_is_damaged(case, capsys, name, damage):
    path = case / "model" / name
    content = path.read_bytes()
    path.write_bytes(
        {"truncated": content[: len(content) // 2], "empty": b"", "binary": b"\xff\x00"}[damage]
    )
    refused(capsys, case, name)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"model_type": "mamba"}, "mamba"),
        ({"model_type": None}, "model_type"),
        ({"hidden_act": "gelu"}, "hidden_act"),
        ({"hidden_size": 15}, "hidden_size"),
        ({"num_attention_heads": 0}, "num_attention_heads"),
        ({"num_key_value_heads": 3}, "num_key_value_heads"),
        ({"vocab_size": -5}, "vocab_size"),
        ({"vocab_size": "many"}, "vocab_size"),
        ({"rope_scaling": {"rope_type": "spiral", "factor": 2.0}}, "spiral"),
        ({"quantization_config": {"bits": 4}}, "quantization_config"),
        ({"auto_map": {"AutoModel": "evil.py"}}, "auto_map"),
        ({"rms_norm_eps": "small"}, "rms_norm_eps"),
        ({"tie_word_embeddings": True}, "lm_head"),
        ({"num_hidden_layers": 3}, "missing"),
        ({"num_hidden_layers": 1}, "unexpected"),
        ({"intermediate_size": 48}, "shape"),
    ],
)
def test_model_configuration(case, capsys, changes, word):
    edit_config(case, **changes)
    refused(capsys, case, word)


def poison(tensors, value=float("nan")):
    tensors["model.layers.1.mlp.up_proj.weight"][0, 0] = value


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (poison, "model.layers.1.mlp.up_proj.weight"),
        (lambda t: poison(t, float("inf")), "model.layers.1.mlp.up_proj.weight"),
        (lambda t: t.pop("model.norm.weight"), "model.norm.weight"),
        (lambda t: t.update(extra=torch.zeros(2)), "extra"),
        (lambda t: t.update({"lm_head.weight": torch.zeros(3, 16)}), "lm_head.weight"),
        (lambda t: t.update({"model.norm.weight": torch.ones(16, dtype=torch.int8)}), "I8"),
    ],
    ids=["nan", "inf", "missing", "unexpected", "shape", "dtype"],
)
def test_model_weights(case, capsys, change, word):
    edit_weights(case, change)
    refused(capsys, case, word)


def test_a_shard_that_the_index_names_is_missing(case, capsys):
    model = case / "model"
    tensors = load_file(model / "model.safetensors")
    names = sorted(tensors)
    save_file({names[0]: tensors[names[0]]}, model / "a.safetensors", metadata={"format": "pt"})
    index = {
        "weight_map": {
            name: "a.safetensors" if name == names[0] else "b.safetensors" for name in names
        }
    }
    (model / "model.safetensors.index.json").write_text(json.dumps(index))
    (model / "model.safetensors").unlink()
    refused(capsys, case, "b.safetensors")


def test_tokenizer_and_model_do_not_belong_together(case, capsys):
    write_model(case / "model", **CONFIG, vocab_size=300)
    refused(capsys, case, "token id", "vocab_size 300")


# --- data


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (None, "data.json"),
        (b"", "data.json"),
        (b"[]", "data.json"),
        (b"[{", "data.json"),
        (b"\xff\xfe{}", "data.json"),
        (b"3", "data.json"),
        (b'[{"a": 1}]', "data.json:1"),
        (b"[[[[[[", "data.json"),
        (b'{"data": 5}', "data.json"),
    ],
    ids=["missing", "empty", "none", "cut", "not utf-8", "number", "unknown", "nested", "odd"],
)  # fmt: skip
def test_data_file(case, capsys, content, word):
    if content is None:
        (case / "data.json").unlink()
    else:
        (case / "data.json").write_bytes(content)
    refused(capsys, case, word)


def set_message(index, **values):
    return lambda record: record["conversations"][index].update(values)


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record.pop("conversations"),
        lambda record: record.update(conversations=[]),
        lambda record: record.update(conversations="text"),
        lambda record: record["conversations"].pop(0),
        set_message(0, content="no tools"),
        set_message(0, content='[{"function": {}}]'),
        set_message(1, role="critic"),
        set_message(1, content=None),
        set_message(1, content=7),
        set_message(2, content="finish"),
        set_message(2, content='finish\n{"answer": '),
        set_message(2, content="finish\n[1]"),
        set_message(2, role="function"),
        lambda record: record.update(conversations=record["conversations"][:2]),
        lambda record: record["conversations"].insert(2, {"role": "function", "content": "x"}),
    ],
)
def test_one_bad_record(case, capsys, change):
    edit_record(case, change)
    refused(capsys, case, "data.json:3")


def test_a_bad_record_can_be_skipped_and_is_listed(case):
    edit_record(case, lambda record: record.update(conversations=[]))
    base = ["--model", case / "model", "--data", case / "data.json", "--output_dir", case / "out"]
    flags = [*base, "--max_steps", 1, "--on_bad_record", "skip"]
    assert train_sft.main([str(part) for part in flags]) == 0
    listed = (case / "out" / "skipped_records.txt").read_text().splitlines()
    assert len(listed) == 1 and "data.json:3" in listed[0]


def test_skipped_held_out_records_are_listed_too(case, capsys):
    shutil.copy(case / "data.json", case / "eval.json")
    records = json.loads((case / "eval.json").read_text())
    (case / "eval.json").write_text(json.dumps([records[0], {"id": "bad"}]))
    base = ["--model", case / "model", "--data", case / "data.json", "--output_dir", case / "out"]
    flags = [*base, "--eval_data", case / "eval.json", "--max_steps", 1, "--on_bad_record", "skip"]
    assert train_sft.main([str(part) for part in flags]) == 0
    listed = (case / "out" / "skipped_records.txt").read_text().splitlines()
    assert len(listed) == 1 and "eval.json:2" in listed[0]
    assert "left out, not usable: 1 records" in capsys.readouterr().out


def test_too_long_trajectories(case, capsys):
    refused(capsys, case, "data.json:", "tokens", "--max_length", flags=["--max_length", 50])
    skip = ["--max_length", 50, "--on_bad_record", "skip"]
    refused(capsys, case, "nothing to learn", "11 records skipped", flags=skip)


# --- run directory and checkpoints


def test_output_directory_is_a_file(case, capsys):
    (case / "taken").write_text("")
    code, _, err = in_process(
        capsys, "--model", case / "model", "--data", case / "data.json", "--max_steps", 1,
        "--output_dir", case / "taken",
    )  # fmt: skip
    assert code == 1 and "taken" in err and "Traceback" not in err


def trained(case: Path, *flags) -> list:
    """The flags of a run in case/out that left checkpoint-2."""
    base = ["--model", case / "model", "--data", case / "data.json", "--output_dir", case / "out"]
    argv = [str(part) for part in [*base, "--max_steps", 3, "--save_steps", 2, *flags]]
    assert train_sft.main(argv) == 0
    return argv


def test_a_second_run_does_not_mix_with_the_checkpoints_of_the_first(case, capsys):
    argv = trained(case)
    code, _, err = in_process(capsys, *argv)
    assert code == 1 and "checkpoint-2" in err and "--resume_from_checkpoint" in err


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "trainer_state"])
def test_a_damaged_checkpoint_is_not_resumed(case, capsys, name):
    argv = trained(case)
    checkpoint = case / "out" / "checkpoint-2"
    damaged = checkpoint / name
    if damaged.is_dir():
        damaged = sorted(path for path in damaged.iterdir() if path.stat().st_size)[0]
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(bytes(content))
    code, _, err = in_process(capsys, *argv, "--resume_from_checkpoint", checkpoint)
    assert code == 1 and damaged.name in err and "Traceback" not in err


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (["--seed", 5], "seed"),
        (["--gradient_accumulation_steps", 2], "batch size"),
        (["--max_weight", 2], "data"),
        (["--no-mask_errors"], "data"),
        (["--learning_rate", 0.5], "schedule"),
    ],
)
def test_resuming_another_course_is_refused(case, capsys, flags, word):
    argv = trained(case)
    code, _, err = in_process(capsys, *argv, "--resume_from_checkpoint", *flags)
    assert code == 1 and f"differs from the one that saved it in {word};" in err


def test_resuming_from_nothing_that_exists(case, capsys):
    refused(capsys, case, "nowhere", flags=["--resume_from_checkpoint", case / "nowhere"])


def test_the_message_is_one_line_in_a_process_of_its_own(case):
    (case / "model" / "config.json").write_text("{")
    command = [
        sys.executable,
        ROOT / "train_sft.py",
        "--model",
        case / "model",
        "--data",
        case / "data.json",
    ]
    ended = subprocess.run(
        [str(part) for part in [*command, "--output_dir", case / "out"]],
        capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert ended.returncode == 1 and ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1 and ended.stderr.startswith("error: ")
