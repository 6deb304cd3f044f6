"""`python -m kernels.bench`: what it measures, and that it runs with and without the peers."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from kernels.bench import __main__ as bench
from kernels.bench import measure, peers
from kernels.bench.cases import MODELS, Case, make_inputs

CASE = Case("small-256", 256, 64, torch.float32, "cpu")


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setitem(MODELS, "small-256", (16, 500))
    monkeypatch.setattr(measure, "FLUSH_BYTES", 1024)


def test_targets_are_of_every_probability():
    """Not a flat softmax, which kernels that skip small gradients would be done with at once."""
    inputs = make_inputs(CASE._replace(active=256))
    with torch.no_grad():
        p = (inputs.hidden @ inputs.weight.T).softmax(1).gather(1, inputs.targets[:, None])
    shares = [((p >= low) & (p < high)).float().mean() for low, high in
              ((0, 0.1), (0.1, 0.9), (0.9, 0.99), (0.99, 1.1))]  # fmt: skip
    assert min(shares) > 0.1, shares


def test_inputs_count_as_asked():
    inputs = make_inputs(CASE)
    assert inputs.hidden.shape == (256, 256) and inputs.weight.shape == (32016, 256)
    assert len(inputs.rows) == 64 == (inputs.targets >= 0).sum() == inputs.coefficients.sum()
    assert CASE.operations == 6 * 64 * 256 * 32016


@pytest.mark.parametrize("share, rows", [("100%", 2048), ("5%", 102), ("64", 64), ("9999", 2048)])
def test_active(share, rows):
    assert bench.rows_of(share, 2048) == rows


def test_contenders_compute_the_same(small):
    inputs = make_inputs(CASE)
    losses = {}
    for name, prepare in peers.contenders(CASE).items():
        try:
            losses[name] = prepare()(inputs).item() if name != "torch.compile" else None
        except peers.Unavailable as reason:
            assert str(reason)
    found = [loss for loss in losses.values() if loss is not None]
    assert len(found) >= 3 and found == pytest.approx([found[0]] * len(found), rel=1e-5)


def test_a_peer_that_fails_is_named_and_the_others_go_on(small):
    def breaks(inputs):
        raise RuntimeError("M must be a multiple of 128\nand more")

    stopwatch = measure.Stopwatch("cpu", "cpu")
    found = measure.times({"ours": peers.ours, "theirs": breaks}, make_inputs(CASE), 2, stopwatch)
    assert found["theirs"] == {"failed": "RuntimeError: M must be a multiple of 128"}
    assert found["ours"]["warm"] > 0 and found["ours"]["cold"] > 0


def test_the_report(small, tmp_path, capsys):
    path = tmp_path / "bench.json"
    chosen = ["ours", "F.linear_cross_entropy", "QuACK"]
    bench.main(["--device", "cpu", "--models", "small-256", "--tokens", "64", "--active", "100%",
                "8", "--rounds", "1", "--no-memory", "--output", str(path),
                "--contenders", *chosen])  # fmt: skip
    report = json.loads(path.read_text())
    shown = capsys.readouterr().out
    assert "torch " + torch.__version__ in report["setting"]["versions"]
    assert {"date", "commit", "device", "dtype", "threads", "clock"} <= set(report["setting"])
    assert [(r["active"], r["contender"]) for r in report["results"]] == [
        (n, name) for n in (64, 8) for name in chosen
    ]
    assert "failed" in report["results"][2] and report["ceiling"]["small-256"] > 0
    assert shown.count("| small-256 | 64 |") == 6 and "| ours |" in shown


def test_help_needs_no_peer():
    done = subprocess.run([sys.executable, "-m", "kernels.bench", "--help"], text=True,
                          capture_output=True, cwd=Path(__file__).resolve().parents[1])  # fmt: skip
    assert done.returncode == 0 and "--contenders" in done.stdout
