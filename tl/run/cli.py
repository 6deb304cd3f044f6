"""The command line: plain argparse, `--config FILE.json`, shared flag groups.

`--config` puts the file's flags in front of the typed ones, so argparse itself checks them and
typed flags win. Every run writes its resolved flags to `train_args.json` (`write_train_args`),
which is itself such a file.

Flag names are those of Hugging Face's TrainingArguments. Defaults are the paper's SFT recipe
(section 4.1 and the authors'
https://github.com/Junjie-Ye/TL-Training/blob/main/code/pkt/finetune.sh).
"""

import argparse
import difflib
import json
import math
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from tl.durable_file import write_atomically
from tl.run.report import hold_back

ENVIRONMENT = "environment"  # the one key of train_args.json that is no flag
LATEST = "latest"
NOT_REPLAYED = ("config", "resume_from_checkpoint")


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose usage errors appear once per run, not once per process."""

    def error(self, message: str):
        hold_back()
        super().error(message)


def new_parser(description: str | None, module: str | None = None) -> Parser:
    """A parser without abbreviations, with defaults in `--help` and with `--config`.

    description: a module docstring; its first paragraph is shown. module: of a command that is
    called as `python -m MODULE`, whose file's name, __main__.py, tells nobody what to type.
    """
    parser = Parser(
        prog=module and f"python -m {module}",
        description=(description or "").strip().split("\n\n")[0],
        allow_abbrev=False,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--config",
        action="append",
        metavar="FILE.json",
        default=argparse.SUPPRESS,
        help="flags from a JSON object, as in train_args.json; typed flags win",
    )
    return parser


def parse_args(parser: argparse.ArgumentParser, argv: Sequence[str] | None = None):
    """Parses argv (default: sys.argv) behind the flags of every `--config` file in it.

    Exits with status 2 and one line through `parser.error` where a file or a flag is wrong.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    finder.error = parser.error
    finder.add_argument("--config", action="append", default=[])
    spliced = []
    for path in finder.parse_known_args(argv)[0].config:
        try:
            spliced += _flags(path, _read_object(path), parser)
        except ValueError as error:
            parser.error(f"--config {path}: {error}")
    return parser.parse_args(spliced + argv)


def parse_or_recipe(
    parser: argparse.ArgumentParser, argv: Sequence[str] | None, recipe: Path
) -> argparse.Namespace:
    """As `parse_args`, of a script that trains `--model` on `--data`. Without --model the flags of
    the embedded recipe come first; then a --data of the user's own would be a mistake.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    args = parse_args(parser, argv)
    if args.model is None:
        if args.data is not None:
            parser.error("--data without --model: name the model to train, or leave both out")
        args = parse_args(parser, ["--config", str(recipe), *argv])
    if args.data is None:
        parser.error("--data: name the file to train on")
    return args


def _read_object(path: str) -> dict:
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"), object_pairs_hook=_unique_keys)
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON ({error})") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if not isinstance(values, dict):
        raise ValueError(
            f'expected one JSON object such as {{"seed": 1}}, got {type(values).__name__}'
        )
    return values


def _unique_keys(pairs: list[tuple]) -> dict:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return values


def _flags(path: str, values: dict, parser: argparse.ArgumentParser) -> list[str]:
    """{"learning_rate": 1e-6, "packing": False} -> ["--learning_rate=1e-06", "--no-packing"]"""
    known = parser._option_string_actions
    flags = []
    for name, value in values.items():
        if name == ENVIRONMENT and isinstance(value, dict):
            continue
        if f"--{name}" not in known or name in ("config", "help"):
            near = difflib.get_close_matches(f"--{name}", known, 1)
            raise ValueError(
                f"{name!r} is no flag of this command" + (f"; {near[0]}?" if near else "")
            )
        if isinstance(value, dict):
            raise ValueError(
                f"{name!r} holds an object; expected a number, a text, a list, true, false or null"
            )
        if value is None:
            continue
        if value is True:
            flags.append(f"--{name}")
        elif value is False:
            is_switch = known[f"--{name}"].nargs == 0 and f"--no-{name}" not in known
            flags += [] if is_switch else [f"--no-{name}"]  # a store_true flag is off by itself
        elif isinstance(value, list):
            flags += [f"--{name}", *map(str, value)]
        else:
            flags.append(f"--{name}={value}")
    return flags


def write_train_args(output_dir: str | Path, args: argparse.Namespace, world_size: int) -> None:
    """Writes `output_dir/train_args.json`: the resolved flags, itself a valid `--config`.

    Beside them, under "environment": command line, commit, versions, number of processes. A
    replay starts from the beginning: `--resume_from_checkpoint` is kept under "environment" only.
    """
    values = {name: value for name, value in vars(args).items() if name not in NOT_REPLAYED}
    values[ENVIRONMENT] = {
        "command": sys.argv,
        "resume_from_checkpoint": getattr(args, "resume_from_checkpoint", None),
        "world_size": world_size,
        "commit": _commit(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name()
        if torch.cuda.is_available()
        else platform.processor() or "cpu",
    }
    write_atomically(
        Path(output_dir) / "train_args.json", json.dumps(values, indent=2, default=str) + "\n"
    )


def _commit() -> str | None:
    """The commit of this checkout, with "-dirty" where files differ; None outside of git."""
    command = [
        "git",
        "-C",
        str(Path(__file__).parent),
        "describe",
        "--always",
        "--dirty",
        "--abbrev=40",
        "--exclude=*",
    ]
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


# --- flag types: each refuses with the reason, which argparse prints behind the flag's name


def _number(
    kind: Callable, expected: str, accepts: Callable[[float], bool]
) -> Callable[[str], float]:
    def parse(text: str):
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not (abs(value) < LARGEST[kind] and accepts(value)):
            raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
        return value

    return parse


LARGEST = {int: 2**63, float: math.inf}  # a generator takes no larger seed, a tensor no larger size
positive_int = _number(int, "an integer >= 1 and < 2^63", lambda value: value >= 1)
non_negative_int = _number(int, "an integer >= 0 and < 2^63", lambda value: value >= 0)
positive_float = _number(float, "a finite number > 0", lambda value: value > 0)
non_negative_float = _number(float, "a finite number >= 0", lambda value: value >= 0)
probability = _number(float, "a number from 0 to 1", lambda value: 0 <= value <= 1)
decay_rate = _number(float, "a number from 0 to below 1", lambda value: 0 <= value < 1)


# --- shared flag groups (fmt: off keeps a flag in sight as one unit)
# fmt: off


def add_optimizer_flags(parser: argparse.ArgumentParser) -> None:
    """Batch, number of steps, AdamW and its schedule."""
    add = parser.add_argument_group("batch and steps").add_argument
    add("--per_device_train_batch_size", type=positive_int, default=4,
        help="trajectories per process and micro-batch (paper: 4 in all)")
    add("--per_device_eval_batch_size", type=positive_int, default=4,
        help="trajectories per process in evaluation")
    add("--gradient_accumulation_steps", type=positive_int, default=1,
        help="micro-batches per optimizer step")
    add("--num_train_epochs", type=positive_float, default=1.0, help="passes over the data")
    add("--max_steps", type=positive_int, help="optimizer steps; overrides --num_train_epochs")
    add_adamw_flags(parser)


def add_keeping_flags(add: Callable) -> None:
    """What keeps training from spoiling what the model can do already."""
    add("--freeze_embeddings", action=argparse.BooleanOptionalAction, default=False,
        help="the token embeddings and the language-model head stay as they are")
    add("--other_words", type=probability, default=0.0, metavar="SHARE",
        help="of the contexts that are read in other words, drawn anew each time, so that a tool "
        "has to be found by what is said of it")
    add("--more_parameters", type=probability, default=0.0, metavar="SHARE",
        help="of the contexts whose tools are given a required parameter more, drawn anew each "
        "time, so that a call has to end where its definition does")


def add_adamw_flags(parser: argparse.ArgumentParser) -> None:
    """AdamW and its schedule."""
    add = parser.add_argument_group("optimizer (AdamW)").add_argument
    add("--learning_rate", type=non_negative_float, default=1e-6, help="peak learning rate")
    add("--lr_scheduler_type", choices=("cosine", "linear", "constant"), default="cosine",
        help="shape after the warm-up")
    add("--warmup_ratio", type=probability, default=0.01, help="share of all steps")
    add("--warmup_steps", type=non_negative_int, help="overrides --warmup_ratio")
    add("--weight_decay", type=non_negative_float, default=0.01,
        help="of matrices; norms and biases have none")
    add("--adam_beta1", type=decay_rate, default=0.9, help="decay of the first moment")
    add("--adam_beta2", type=decay_rate, default=0.95, help="decay of the second moment")
    add("--adam_epsilon", type=positive_float, default=1e-8, help="added to the denominator")
    add("--max_grad_norm", type=non_negative_float, default=1.0,
        help="limit of the global gradient norm; 0: no clipping")


def add_runtime_flags(parser: argparse.ArgumentParser) -> None:
    """Seed, precision, device, parallelism."""
    add = parser.add_argument_group("runtime").add_argument
    add("--seed", type=non_negative_int, default=42, help="of initialisation, order and sampling")
    add_device_flags(add, of="of the computation, master weights are float32; ")
    add("--parallel", choices=("auto", "replicate", "fsdp"), default="auto",
        help="whole model per process, or sharded; auto: fsdp on several GPUs")
    add("--gradient_checkpointing", action=argparse.BooleanOptionalAction, default=False,
        help="recompute activations in the backward pass: less memory, a third more time")


def add_device_flags(add: Callable, of: str = "") -> None:
    """Where and how exactly a model computes. add: `add_argument` of a parser or a group. of: what
    has that --dtype, for `--help`."""
    add("--device", choices=("auto", "cpu", "cuda"), default="auto",
        help="auto: cuda where there is one")
    add("--dtype", choices=("auto", "float32", "bfloat16"), default="auto",
        help=f"{of}auto: bfloat16 on CUDA only")


def add_logging_flags(parser: argparse.ArgumentParser, output_dir: str) -> None:
    """Output directory, logging, evaluation, checkpoints. output_dir: the flag's default."""
    add = parser.add_argument_group("output").add_argument
    add("--output_dir", default=output_dir,
        help="gets metrics.jsonl, train_args.json, checkpoint-N/ and the final model")
    add("--logging_steps", type=positive_int, default=10,
        help="optimizer steps between log lines")
    add("--eval_steps", type=non_negative_int, default=0,
        help="optimizer steps between evaluations; 0: at the end only")
    add("--save_steps", type=non_negative_int, default=500,
        help="optimizer steps between checkpoints; 0: none")
    add("--save_total_limit", type=positive_int, default=2,
        help="checkpoints kept, newest first")
    add("--resume_from_checkpoint", nargs="?", const=LATEST, metavar="DIR",
        help="a checkpoint; without DIR the newest of --output_dir, a fresh start if there is none")
    add("--tensorboard", action=argparse.BooleanOptionalAction, default=False,
        help="also write TensorBoard files")


# fmt: on


def check_sft(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Ends the program where flags of SFT contradict each other."""
    if args.max_weight < 1:
        parser.error(f"--max_weight: expected a number >= 1, got {args.max_weight:g}")
    if args.standard_sft and args.max_weight not in (1.0, parser.get_default("max_weight")):
        parser.error(f"--standard_sft means --max_weight 1, got --max_weight {args.max_weight:g}")
    if args.wise_ft < 1 and args.init == "random":
        parser.error("--wise_ft: with --init random there are no weights to go back to")
