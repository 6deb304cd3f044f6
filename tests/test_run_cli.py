"""The command line: config files, flag types, what a run writes about itself, how it ends."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import find, given
from safetensors import SafetensorError

from tests.strategies.run import flag_values
from tl import InputError
from tl.run import cli, report

ROOT = Path(__file__).resolve().parents[1]


def small_parser() -> argparse.ArgumentParser:
    parser = cli.new_parser("A test.\n\nNot shown.")
    parser.add_argument("--rate", type=cli.non_negative_float, default=0.5)
    parser.add_argument("--steps", type=cli.non_negative_int, default=7)
    parser.add_argument("--name", default="x")
    parser.add_argument("--packing", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--resume", nargs="?", const="latest")
    parser.add_argument("--switch", action="store_true")
    parser.add_argument("--targets", nargs="*", default=["q"])
    return parser


def full_parser() -> argparse.ArgumentParser:
    parser = cli.new_parser("Everything shared.")
    cli.add_optimizer_flags(parser)
    cli.add_runtime_flags(parser)
    cli.add_logging_flags(parser, "out/test")
    return parser


def test_a_module_shows_what_to_type():
    """Of its file, __main__.py, nobody knows how to call it."""
    usage = cli.new_parser("A test.", "tl.agent").format_usage()
    assert usage.startswith("usage: python -m tl.agent ")


@given(flag_values())
def test_train_args_replay_the_run(tmp_path_factory, values):
    directory = tmp_path_factory.mktemp("args")
    expected = argparse.Namespace(**{**vars(small_parser().parse_args([])), **values})
    cli.write_train_args(directory, expected, world_size=3)
    args = cli.parse_args(small_parser(), ["--config", str(directory / "train_args.json")])
    del args.config
    assert args == expected


def test_the_strategy_has_the_awkward_cases():
    find(flag_values(), lambda values: "=" in values.get("name", ""))
    find(flag_values(), lambda values: values.get("name", "").startswith("-"))
    find(flag_values(), lambda values: values.get("targets") == [])
    find(flag_values(), lambda values: 0 < values.get("rate", 0) < 1e-300)


def test_every_shared_flag_survives_its_own_train_args(tmp_path):
    args = cli.parse_args(full_parser(), ["--max_steps", "5", "--gradient_checkpointing"])
    cli.write_train_args(tmp_path, args, 1)
    again = cli.parse_args(full_parser(), ["--config", str(tmp_path / "train_args.json")])
    assert {**vars(again), "config": None} == {**vars(args), "config": None}


def test_a_replay_does_not_resume(tmp_path):
    args = cli.parse_args(full_parser(), ["--resume_from_checkpoint"])
    assert args.resume_from_checkpoint == "latest"
    cli.write_train_args(tmp_path, args, 2)
    written = json.loads((tmp_path / "train_args.json").read_text())
    environment = written["environment"]
    assert "resume_from_checkpoint" not in written
    assert environment["resume_from_checkpoint"] == "latest" and environment["world_size"] == 2
    assert environment["torch"] == torch.__version__ and "commit" in environment


def config(tmp_path, text: str) -> list[str]:
    path = tmp_path / "flags.json"
    path.write_text(text, encoding="utf-8")
    return ["--config", str(path)]


def test_typed_flags_win_wherever_they_stand(tmp_path):
    flags = config(tmp_path, '{"steps": 1, "packing": false, "targets": ["a", "b"], "name": null}')
    for argv in (["--steps", "2", *flags], [*flags, "--steps", "2"]):
        args = cli.parse_args(small_parser(), argv)
        assert (args.steps, args.packing, args.targets) == (2, False, ["a", "b"])
        assert args.name == "x"  # null: the default
    assert cli.parse_args(small_parser(), [*flags, "--packing", "--targets"]).targets == []


def test_of_two_config_files_the_later_wins(tmp_path):
    first, second = tmp_path / "1.json", tmp_path / "2.json"
    first.write_text('{"steps": 1, "rate": 0.25}')
    second.write_text('{"steps": 2}')
    args = cli.parse_args(small_parser(), ["--config", str(first), "--config", str(second)])
    assert (args.steps, args.rate) == (2, 0.25)


@pytest.mark.parametrize(
    "text, message",
    [
        ('{"stepz": 1}', "'stepz' is no flag of this command; --steps?"),
        ('{"step": 1}', "'step' is no flag"),
        ('{"seed": {"a": 1}}', "'seed' is no flag"),
        ('{"steps": {"a": 1}}', "'steps' holds an object"),
        ('{"config": "x.json"}', "'config' is no flag"),
        ('{"environment": 3}', "'environment' is no flag"),
        ('{"steps": 1, "steps": 2}', "a key stands twice"),
        ('{"steps": 1', "is not JSON"),
        ("[1]", "expected one JSON object"),
        ("[" * 200_000, "flags.json: is nested too deeply"),
        ('{"steps": ' + "9" * 5000 + "}", "flags.json: Exceeds the limit"),
        ("\ud800", "is not UTF-8"),
        ('{"rate": NaN}', "--rate: expected a finite number >= 0, got 'nan'"),
        ('{"steps": 1.5}', "--steps: expected an integer >= 0 and < 2^63, got '1.5'"),
        ('{"steps": "many"}', "--steps: expected an integer >= 0 and < 2^63, got 'many'"),
        ('{"name": true}', "--name: expected one argument"),
        ('{"name": false}', "unrecognized arguments: --no-name"),
    ],
)
def test_bad_config_files(tmp_path, capsys, text, message):
    path = tmp_path / "flags.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(SystemExit) as caught:
        cli.parse_args(small_parser(), ["--config", str(path)])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    "argv, message",
    [
        (["--config", "/nonexistent.json"], "cannot be read (No such file or directory)"),
        (["--config"], "expected one argument"),
        (["--step", "1"], "unrecognized arguments: --step"),  # no abbreviations
        (["--unknown"], "unrecognized arguments: --unknown"),
    ],
)
def test_bad_command_lines(capsys, argv, message):
    with pytest.raises(SystemExit) as caught:
        cli.parse_args(small_parser(), argv)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    "kind, good, bad",
    [
        (cli.positive_int, ["1", "12"], ["0", "-1", "1.0", "nan", "", "1e3", "inf"]),
        (cli.non_negative_int, ["0", str(2**63 - 1)], ["-1", "x", str(2**63), "9" * 400]),
        (cli.positive_float, ["1e-8", "3"], ["0", "-1", "nan", "inf", "-inf", "1e999", "x"]),
        (cli.non_negative_float, ["0", "0.5"], ["-1e-9", "nan"]),
        (cli.probability, ["0", "1", "0.01"], ["1.01", "-0.1", "nan"]),
        (cli.decay_rate, ["0", "0.999"], ["1", "-0.1", "nan"]),
    ],
)
def test_flag_types(kind, good, bad):
    for text in good:
        assert kind(text) == (int(text) if text.isdigit() else float(text))
    for text in bad:
        with pytest.raises(argparse.ArgumentTypeError, match="expected a.* got "):
            kind(text)


def test_shared_flags_and_their_defaults_are_a_visible_diff():
    assert vars(cli.parse_args(full_parser(), [])) == {
        "per_device_train_batch_size": 4,
        "per_device_eval_batch_size": 4,
        "gradient_accumulation_steps": 1,
        "num_train_epochs": 1.0,
        "max_steps": None,
        "learning_rate": 1e-6,
        "lr_scheduler_type": "cosine",
        "warmup_ratio": 0.01,
        "warmup_steps": None,
        "weight_decay": 0.01,
        "adam_beta1": 0.9,
        "adam_beta2": 0.95,
        "adam_epsilon": 1e-8,
        "max_grad_norm": 1.0,
        "seed": 42,
        "dtype": "auto",
        "device": "auto",
        "parallel": "auto",
        "gradient_checkpointing": False,
        "output_dir": "out/test",
        "logging_steps": 10,
        "eval_steps": 0,
        "save_steps": 500,
        "save_total_limit": 2,
        "resume_from_checkpoint": None,
        "tensorboard": False,
    }


def test_help_shows_defaults_and_the_first_paragraph_only():
    text = small_parser().format_help()
    assert "A test." in text and "Not shown" not in text
    assert "--config FILE.json" in text


def raising(error: BaseException):
    def main():
        raise error

    return main


@pytest.mark.parametrize(
    "error, status, line",
    [
        (
            InputError("data.json:3: got 1,\n expected 2"),
            1,
            "error: data.json:3: got 1, expected 2",
        ),
        (
            OSError(28, "No space left on device", "out/x"),
            1,
            "error: out/x: No space left on device",
        ),
        (OSError("odd"), 1, "error: odd"),
        (SafetensorError("I/O error: disk full"), 1, "error: safetensors: I/O error: disk full"),
        (torch.OutOfMemoryError("CUDA out of memory.\nlong"), 1, "error: CUDA out of memory. Try "),
        (MemoryError(), 1, "error: out of host memory"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (RuntimeError("[gloo/pair.cc:5] Connection closed by peer"), 1, "error: lost the conn"),
        (torch.distributed.DistBackendError("NCCL error: x"), 1, "error: lost the connection"),
        (RuntimeError("NCCL communicator was aborted on rank 1"), 1, "error: lost the connection"),
    ],
)
def test_mistakes_end_in_one_line(capsys, monkeypatch, error, status, line):
    monkeypatch.setattr(report, "SECONDHAND_SECONDS", 0.0)
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(SystemExit) as caught:
        report.run(raising(error))
    assert caught.value.code == status
    written = capsys.readouterr().err
    assert written.startswith(line) and written.count("\n") == 1


def test_defects_keep_their_traceback():
    for error in (ZeroDivisionError("x"), RuntimeError("shape mismatch"), AssertionError()):
        with pytest.raises(type(error)):
            report.run(raising(error))


def test_status_of_a_run_that_ends_well():
    for answer, status in [(None, None), (0, 0), (3, 3)]:
        with pytest.raises(SystemExit) as caught:
            report.run(lambda answer=answer: answer)
        assert caught.value.code == status


SCRIPT = """
import sys
from tl import InputError
from tl.run import cli, parallel
from tl.run.report import run

def main():
    parser = cli.new_parser("x")
    parser.add_argument("--bad", type=int)
    args = cli.parse_args(parser)
    group = parallel.start("cpu")
    if group.rank == args.bad or args.bad == -1:
        raise InputError(f"data.json is absent (rank {group.rank})")
    group.barrier()

run(main)
"""


@pytest.mark.parametrize(
    "flag, expected",
    [
        ("--bad=-1", "error: data.json is absent (rank 0)"),
        ("--bad=1", "error: data.json is absent (rank 1)"),
        ("--worse", "script.py: error: unrecognized arguments: --worse"),
    ],
)
def test_under_torchrun_a_mistake_is_told_once(tmp_path, flag, expected):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, str(script), flag], capture_output=True, text=True, env=environment, timeout=120
    )
    told = [line for line in done.stderr.splitlines() if "error: " in line and "E1" not in line[:3]]
    assert told == [expected]
    assert done.returncode == 1


def test_without_a_model_the_recipe_comes_first(tmp_path, capsys):
    recipe = tmp_path / "recipe.json"
    recipe.write_text('{"model": "tiny", "data": "world", "steps": 3}')
    parser = small_parser()
    parser.add_argument("--model")
    parser.add_argument("--data")

    def parsed(*argv):
        args = cli.parse_or_recipe(parser, argv, recipe)
        return args.model, args.data, args.steps

    assert parsed() == ("tiny", "world", 3)
    assert parsed("--steps", "5") == ("tiny", "world", 5)  # what is typed wins
    assert parsed("--model", "m", "--data", "d") == ("m", "d", 7)  # nothing of the recipe
    for argv, message in (
        (["--data", "d"], "--data without --model"),
        (["--model", "m"], "--data: name the file"),
    ):
        with pytest.raises(SystemExit):
            parsed(*argv)
        assert message in capsys.readouterr().err
