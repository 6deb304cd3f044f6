"""The run log: one plain line and one JSON line per step, across resumed and killed runs."""

import json
import math

import pytest

from tl import InputError
from tl.run.log import RunLog, read_metrics


def test_lines_are_plain_aligned_and_in_one_order(tmp_path, capsys):
    with RunLog(tmp_path, True, 1217) as log:
        log.record(7, grad_norm=1.94, loss=0.81234, learning_rate=9.8e-7, tokens_per_second=41203.4)
        log.record(120, loss=12.5, learning_rate=1e-6, grad_norm=191.94, tokens_per_second=9.0)
        log.record(121, eval_loss=0.5, eval_key_loss=0.25, skipped_steps=0)
        log.record(122, skipped_steps=2)
    assert capsys.readouterr().out.splitlines() == [
        "step    7/1217  loss  0.8123  lr 9.800e-07  grad   1.940  tok/s    41,203",
        "step  120/1217  loss 12.5000  lr 1.000e-06  grad 191.940  tok/s         9",
        "step  121/1217  eval_loss  0.5000",
        "step  122/1217  skipped 2",
    ]


def test_a_resumed_run_appends_and_its_values_win(tmp_path):
    with RunLog(tmp_path, True, 4) as log:
        for step in (1, 2, 3):
            log.record(step, loss=float(step))
        log.record(3, eval_loss=0.5)
    with RunLog(tmp_path, True, 4, start_step=2) as log:
        log.record(3, loss=30.0)
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert len(lines) == 5
    steps = read_metrics(tmp_path / "metrics.jsonl")
    assert list(steps) == [1, 2, 3]
    assert steps[3] == {"step": 3, "loss": 30.0, "eval_loss": 0.5}


def test_half_a_line_of_a_killed_run_is_dropped(tmp_path):
    path = tmp_path / "metrics.jsonl"
    for content, kept in [('{"step": 1, "loss": 2.0}\n{"ste', 1), ('{"st', 0), ("", 0)]:
        path.write_text(content)
        with RunLog(tmp_path, True, 9) as log:
            log.record(2, loss=1.0)
        assert len(read_metrics(path)) == kept + 1


def test_every_line_is_flushed_and_strict_json(tmp_path):
    log = RunLog(tmp_path, True, 9)
    log.record(1, loss=math.nan, grad_norm=math.inf, skipped_steps=1)

    def refuse(constant: str):
        raise AssertionError(f"{constant} is not JSON")

    line = json.loads((tmp_path / "metrics.jsonl").read_text(), parse_constant=refuse)
    assert line == {"step": 1, "loss": None, "grad_norm": None, "skipped_steps": 1}
    log.close()


def test_other_ranks_write_and_say_nothing(tmp_path, capsys):
    with RunLog(tmp_path / "absent", False, 9) as log:
        log.advance()
        log.record(1, loss=1.0)
        log.say("hello")
    assert not (tmp_path / "absent").exists()
    assert capsys.readouterr() == ("", "")


def test_tensorboard(tmp_path):
    try:
        import torch.utils.tensorboard  # noqa: F401
    except ImportError:
        with pytest.raises(InputError, match="--tensorboard.*pip install tensorboard"):
            RunLog(tmp_path, True, 9, tensorboard=True)
    else:
        with RunLog(tmp_path, True, 9, tensorboard=True) as log:
            log.record(1, loss=1.0)
        assert list(tmp_path.glob("events.out.tfevents.*"))


def test_samples_are_kept_whole_and_shown_short(tmp_path, capsys):
    said = "\x1b[31mred\nline " + "x" * 500
    with RunLog(tmp_path, True, 9) as log:
        log.sample(3, [{"prompt": "Hi", "reply": [said], "reward": [1.0]}])
        log.sample(4, [{"prompt": said}])
    rows = [json.loads(line) for line in (tmp_path / "samples.jsonl").read_text().splitlines()]
    assert rows == [
        {"step": 3, "prompt": "Hi", "reply": [said], "reward": [1.0]}, {"step": 4, "prompt": said},
    ]  # fmt: skip
    shown = capsys.readouterr().out
    assert "\x1b" not in shown and "prompt  Hi" in shown and "reward  [1.0]" in shown
    assert max(map(len, shown.splitlines())) < 200
    with RunLog(tmp_path / "other", False, 9) as log:
        log.sample(3, [{"prompt": "Hi"}])
    assert not (tmp_path / "other").exists()


def test_the_line_of_ppo_and_of_its_evaluation(tmp_path, capsys):
    with RunLog(tmp_path, True, 60) as log:
        log.record(2, **{"objective/scores": -0.5, "objective/kl": 0.25, "rollout/correct": 0.125,
                         "policy/entropy_avg": 1.5, "rollout/truncated": 0.0,
                         "critic/explained_variance": 0.31, "val/ratio": 1.0})  # fmt: skip
        log.record(2, **{"eval/unseen/cf": 0.5})
    assert capsys.readouterr().out.splitlines() == [
        "step  2/60  reward -0.500  kl   0.2500  entropy  1.500  explained +0.31  correct  12.5%  "
        "cut   0.0%",
        "step  2/60  unseen/cf +0.500",
    ]
