"""The weighted cross-entropy of the language-model head beside everybody else's.

    python -m kernels.bench                                    CUDA where there is one, else CPU
    python -m kernels.bench --device cpu --models small-256 --tokens 512 --rounds 3
    python -m kernels.bench --active 100% 64 --contenders ours QuACK --output bench.json

Forward and backward; contenders take turns within one run, medians are shown. `active` is how many
rows count (a share, or a number of rows): the coefficient of the others is 0, their target -100.
warm: called again and again on the same inputs; cold: after the caches have been overwritten.
TFLOP/s are those of the products over the rows that count, 6NEV, beside the best that this machine
makes of one such product alone. MiB: peak beyond the inputs, gradients included.
"""

import argparse
import json
import platform
import subprocess
from datetime import date
from pathlib import Path

import torch

from kernels.bench import measure, peers
from kernels.bench.cases import MODELS, Case, make_inputs

DEFAULTS = {
    "cuda": {
        "models": ["CodeLlama-7B", "Llama-3.1-8B", "Qwen2.5-7B"],
        "tokens": [2048, 4096, 8192, 16384], "active": ["100%", "50%", "20%", "5%", "64"],
        "rounds": 20, "dtype": "bfloat16",
    },
    "cpu": {
        "models": ["small-256", "small-512", "small-1024"], "tokens": [512, 2048],
        "active": ["100%", "20%", "5%"], "rounds": 5, "dtype": "float32",
    },
}  # fmt: skip
COLUMNS = ("model", "tokens", "active", "contender", "warm ms", "cold ms", "TFLOP/s", "of ceiling",
           "MiB", "time / ours")  # fmt: skip


def main(argv: list[str] | None = None) -> None:
    args = parse(argv)
    torch.set_num_threads(args.threads)
    report = {"setting": setting(args), "ceiling": {}, "results": []}
    print("\n".join(f"{key}: {value}" for key, value in report["setting"].items()), end="\n\n")
    print("| " + " | ".join(COLUMNS) + " |")
    print("|---|--:|--:|---" + "|--:" * (len(COLUMNS) - 4) + "|")
    stopwatch = measure.Stopwatch(args.device, args.clock)
    for model in args.models:
        for tokens in args.tokens:
            for active in dict.fromkeys(rows_of(share, tokens) for share in args.active):
                case = Case(model, tokens, active, getattr(torch, args.dtype), args.device)
                if model not in report["ceiling"]:
                    report["ceiling"][model] = measure.matmul_ceiling(case, stopwatch)
                found = measured(case, args, stopwatch)
                report["results"] += found
                for line in lines(found, case, report["ceiling"][model]):
                    print(line, flush=True)
    ceilings = (f"{model} {value:.3g}" for model, value in report["ceiling"].items())
    print("\nceiling, TFLOP/s of one product:", ", ".join(ceilings))
    if args.output:
        Path(args.output).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def measured(case: Case, args: argparse.Namespace, stopwatch: measure.Stopwatch) -> list[dict]:
    """One record per contender of a case."""
    ready, records = {}, {}
    for name, prepare in peers.contenders(case).items():
        if args.contenders and name not in args.contenders:
            continue
        try:
            ready[name] = prepare()
        except peers.Unavailable as reason:
            records[name] = {"failed": str(reason)}
    inputs = make_inputs(case)
    records |= measure.times(ready, inputs, args.rounds, stopwatch)
    del inputs
    if args.memory:
        for name in [name for name in ready if "failed" not in records[name]]:
            records[name]["mib"] = measure.peak_memory(case, name, args.threads)
    label = {"model": case.model, "tokens": case.tokens, "active": case.active}
    order = [name for name in peers.contenders(case) if name in records]
    return [{**label, "contender": name, **records[name]} for name in order]


def lines(records: list[dict], case: Case, ceiling: float) -> list[str]:
    """The rows of the table. Contenders that are not there are named once, in the first case."""
    ours = next((r.get("warm") for r in records if r["contender"] == "ours"), None)
    made = []
    for record in records:
        cells = [case.model, case.tokens, case.active, record["contender"]]
        if "failed" in record:
            cells += [record["failed"], *["-"] * 5]
        else:
            speed = case.operations / record["warm"] / 1e12
            mib = f"{record['mib']:.0f}" if record.get("mib") is not None else "-"
            cells += [f"{1000 * record['warm']:.3g}", f"{1000 * record['cold']:.3g}",
                      f"{speed:.3g}", f"{speed / ceiling:.0%}", mib,
                      f"{record['warm'] / ours:.2f}" if ours else "-"]  # fmt: skip
        made.append("| " + " | ".join(map(str, cells)) + " |")
    return made


def setting(args: argparse.Namespace) -> dict[str, str]:
    """Everything that a number depends on."""
    used = {name: version for name, version in peers.versions().items()}
    made = {"date": str(date.today()), "commit": commit(), "device": device_name(args.device),
            "versions": ", ".join(f"{name} {version}" for name, version in used.items()),
            "dtype": args.dtype, "rounds": str(args.rounds)}  # fmt: skip
    if args.device == "cpu":
        return made | {"threads": str(args.threads), "clock": args.clock}
    return made | {"CUDA": str(torch.version.cuda), "driver": driver()}


def commit() -> str:
    """Of the checkout that this file stands in."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def driver() -> str:
    command = ["nvidia-smi", "--query-gpu=driver_version,clocks.sm,power.limit", "--format=csv"]
    try:
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return shown.splitlines()[-1]


def device_name(device: str) -> str:
    if device == "cuda":
        return torch.cuda.get_device_name()
    names = [line.split(":")[1].strip() for line in _lines("/proc/cpuinfo")
             if line.startswith("model name")]  # fmt: skip
    return f"{names[0]}, {len(names)} cores" if names else platform.processor()


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def rows_of(active: str, tokens: int) -> int:
    """The number that 20% or 64 means for some tokens."""
    if active.endswith("%"):
        return max(1, round(float(active[:-1]) / 100 * tokens))
    return min(int(active), tokens)


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m kernels.bench", description=__doc__, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("--device", choices=("cpu", "cuda"))
    add("--models", nargs="+", choices=MODELS)
    add("--tokens", nargs="+", type=int, help="rows of hidden")
    add("--active", nargs="+", help="rows that count: 20%% or 64")
    add("--dtype", choices=("float32", "bfloat16"))
    add("--rounds", type=int, help="timed calls of each contender, warm and cold")
    add("--contenders", nargs="+", metavar="NAME", help="some of the table's; default: all")
    add("--memory", action=argparse.BooleanOptionalAction, default=True)
    add("--threads", type=int, default=2, help="CPU")
    add("--clock", choices=measure.CLOCKS, default="wall",
        help="CPU; cpu counts only the seconds spent computing: for machines that others use")
    add("--output", metavar="FILE", help="everything measured, as JSON")
    args = parser.parse_args(argv)
    args.device = args.device or ("cuda" if torch.cuda.is_available() else "cpu")
    for name, value in DEFAULTS[args.device].items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    return args


if __name__ == "__main__":
    main()
