"""What a run tells: a progress bar, one plain line per logged step, `metrics.jsonl`.

`metrics.jsonl` has one flat JSON object per logged step or evaluation, is only appended to, and
is flushed line by line. A resumed run appends to it; where it repeats steps, the values written
last count (`read_metrics`). Numbers that are not finite are written as null.
"""

import json
import math
from pathlib import Path

from tqdm import tqdm

from tl import InputError

# key in metrics.jsonl -> (name on the line, format)
FIELDS = {
    "loss": ("loss", "{:.4f}"),
    "eval_loss": ("eval_loss", "{:.4f}"),
    "learning_rate": ("lr", "{:.3e}"),
    "grad_norm": ("grad", "{:.3f}"),
    "tokens_per_second": ("tok/s", "{:,.0f}"),
    "memory_gib": ("mem", "{:.1f}G"),
    "skipped_steps": ("skipped", "{:d}"),
    "objective/scores": ("reward", "{:+.3f}"),
    "objective/kl": ("kl", "{:.4f}"),
    "policy/entropy_avg": ("entropy", "{:.3f}"),
    "critic/explained_variance": ("explained", "{:+.2f}"),
    "rollout/correct": ("correct", "{:.1%}"),
    "rollout/truncated": ("cut", "{:.1%}"),
}
WIDTHS = {"loss": 7, "eval_loss": 7, "lr": 9, "grad": 7, "tok/s": 9, "mem": 6, "skipped": 1}
WIDTHS |= {"reward": 6, "kl": 8, "entropy": 6, "explained": 5, "correct": 6, "cut": 6}
SHOWN = 150  # characters of a sample on the terminal


class RunLog:
    """The log of one run, a context manager; on other ranks than the main one it does nothing.

    total_steps: optimizer steps of the whole run. start_step: steps already done (resume).
    Raises InputError if tensorboard is asked for and not installed.
    """

    def __init__(
        self,
        output_dir: str | Path,
        is_main: bool,
        total_steps: int,
        start_step: int = 0,
        tensorboard: bool = False,
    ) -> None:
        self.total_steps = total_steps
        self._writer = _summary_writer(output_dir) if tensorboard and is_main else None
        self._file = self._bar = self._samples = None
        if not is_main:
            return
        Path(output_dir).mkdir(parents=True, exist_ok=True)
        self._file = _open_for_append(Path(output_dir) / "metrics.jsonl")
        self._samples = Path(output_dir) / "samples.jsonl"
        self._bar = tqdm(total=total_steps, initial=start_step, unit="step", disable=None)

    def advance(self, steps: int = 1) -> None:
        """Moves the bar by finished optimizer steps."""
        if self._bar is not None:
            self._bar.update(steps)

    def record(self, step: int, **metrics: float) -> None:
        """Writes the metrics of finished step `step` (1-based), one JSON line and one plain line.

        Keys outside FIELDS stand in the file only.
        """
        if self._file is None:
            return
        row = {"step": step, **{key: _finite(value) for key, value in metrics.items()}}
        self._file.write(json.dumps(row, allow_nan=False) + "\n")
        self._file.flush()
        self.say(self._line(step, metrics))
        if self._writer is not None:
            for key, value in metrics.items():
                self._writer.add_scalar(key, value, step)

    def sample(self, step: int, rows: list[dict]) -> None:
        """Appends what the policy said in step `step` to samples.jsonl and shows it, one line for
        each key of each row."""
        if self._file is None:
            return
        with _open_for_append(self._samples) as file:
            for row in rows:
                file.write(json.dumps({"step": step, **row}, ensure_ascii=False) + "\n")
        for row in rows:
            self.say("")
            for key, value in row.items():
                self.say(f"  {key:>8}  {_one_line(value)}")

    def say(self, line: str) -> None:
        """Prints a line on stdout, above the bar, on the main rank."""
        if self._bar is not None:
            with self._bar.external_write_mode():
                print(line, flush=True)

    def _line(self, step: int, metrics: dict[str, float]) -> str:
        width = len(str(self.total_steps))
        parts = [f"step {step:>{width}}/{self.total_steps}"]
        for key, (name, form) in FIELDS.items():
            if key in metrics and (key != "skipped_steps" or metrics[key]):
                parts.append(f"{name} {form.format(metrics[key]):>{WIDTHS[name]}}")
        held_out = {key: value for key, value in metrics.items() if key.startswith("eval/")}
        parts += [f"{key.removeprefix('eval/')} {value:+.3f}" for key, value in held_out.items()]
        return "  ".join(parts)

    def close(self) -> None:
        """Closes the bar and the files."""
        for part in (self._bar, self._file, self._writer):
            if part is not None:
                part.close()

    def __enter__(self) -> "RunLog":
        return self

    def __exit__(self, *exception) -> None:
        self.close()


def read_metrics(path: str | Path) -> dict[int, dict]:
    """step -> its metrics; of what was written twice for one step, the last."""
    steps: dict[int, dict] = {}
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        steps.setdefault(row["step"], {}).update(row)
    return dict(sorted(steps.items()))


def _open_for_append(path: Path):
    """Opens a JSONL file behind its last whole line: a kill may have left half of one."""
    file = open(path, "a+b")
    content = file.seek(0) or file.read()
    file.truncate(content.rfind(b"\n") + 1)
    file.close()
    return open(path, "a", encoding="utf-8")


def _one_line(value: object) -> str:
    """As much of a value as fits on a line; control characters would steer a terminal."""
    text = " ".join(str(value).split())
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _finite(value: float) -> float | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _summary_writer(output_dir: str | Path):
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise InputError(
            "--tensorboard: the package tensorboard is not installed; pip install tensorboard"
        ) from None
    return SummaryWriter(str(output_dir))
