"""An evaluation that is killed goes on where it was, and ends with the same bits."""

import json
import signal
import subprocess
import sys
import time

import pytest

import eval as evaluation
from tests.micro import ROOT, write_model
from tests.shared import shared
from tl.answers.journal import FILE, Journal
from tl.answers.model import fingerprint

FLAGS = ("--limit", "3", "--max_new_tokens", "6", "--batch_size", "2")
WORLD = ("--sets", "seen", "multi")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model"), max_position_embeddings=8192)


def flags(model, folder, *more):
    return ["--model", str(model), "--output_dir", str(folder), *FLAGS, *more]


def evaluate(model, folder, *more):
    assert evaluation.main(flags(model, folder, *more)) == 0
    return (folder / "predictions.jsonl").read_bytes()


def journal_lines(folder):
    path = folder / FILE
    return path.read_bytes().count(b"\n") if path.is_file() else 0


@pytest.mark.parametrize("more", [WORLD, (*WORLD, "--temperature", "1.5")])
def test_kill_9_in_the_middle(model, tmp_path, more, capsys):
    """A process of its own, killed after the first replies, started again."""
    more = (*more, "--limit", "32", "--max_new_tokens", "24")
    whole = evaluate(model, tmp_path / "whole", *more)
    folder = tmp_path / "killed"
    command = [sys.executable, str(ROOT / "eval.py"), *flags(model, folder, *more)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and journal_lines(folder) < 3:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = journal_lines(folder) - 1
    assert process.returncode == -signal.SIGKILL and 2 <= kept < 64, kept
    assert not (folder / "predictions.jsonl").exists()
    capsys.readouterr()
    assert evaluate(model, folder, *more) == whole
    assert "of 64 cases are answered" in capsys.readouterr().out
    assert not (folder / FILE).exists(), "the journal has done its work"
    scores = [(each / "scores.json").read_bytes() for each in (folder, tmp_path / "whole")]
    assert scores[0] == scores[1]


class Stopped(Exception):
    pass


@pytest.fixture
def stop(monkeypatch):
    """Runs eval.py until `batches` batches have been answered, then raises."""

    def start(model, folder, *more, batches, error=KeyboardInterrupt):
        add, done = Journal.add, []

        def added(self, rows):
            if len(done) == batches:
                raise error
            done.append(len(rows))
            add(self, rows)

        with monkeypatch.context() as patch:
            patch.setattr(Journal, "add", added)
            with pytest.raises(error):
                evaluation.main(flags(model, folder, *more))
        return sum(done)

    return start


@pytest.mark.parametrize("benchmark", ["toolalpaca", "rotbench", "bfcl", "tooleyes"])
def test_every_benchmark_goes_on(model, tmp_path, stop, benchmark, monkeypatch):
    more = ("--benchmark", benchmark, "--data", str(shared(f"data/{benchmark}")))
    whole = evaluate(model, tmp_path / "whole", *more)
    kept = stop(model, tmp_path / "cut", *more, batches=1)
    generated = []
    generate = evaluation.Model.generate
    monkeypatch.setattr(
        evaluation.Model, "generate",
        lambda self, prompts, *rest: generated.append(len(prompts)) or generate(self, prompts, *rest),
    )  # fmt: skip
    assert evaluate(model, tmp_path / "cut", *more) == whole
    assert kept == 2 and max(generated) == 1, "the two that were answered are not asked again"


def test_ctrl_c_ends_a_process_with_one_line(model, tmp_path):
    more = (*WORLD, "--limit", "200", "--max_new_tokens", "64", "--batch_size", "2")
    command = [sys.executable, str(ROOT / "eval.py"), *flags(model, tmp_path, *more)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # `pytest &` ignores it
    )  # fmt: skip
    while process.poll() is None and journal_lines(tmp_path) < 3:
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    out, said = process.communicate()
    assert process.returncode == 130 and "Traceback" not in said, said
    assert "of 400 cases are answered; the same command goes on" in said
    assert said.splitlines()[-1] == "interrupted" and journal_lines(tmp_path) >= 3


def test_ctrl_c_keeps_the_replies_and_says_so(model, tmp_path, stop, capsys):
    kept = stop(model, tmp_path, *WORLD, batches=2)
    told = capsys.readouterr().err
    assert f"{kept} of 6 cases are answered; the same command goes on from there" in told
    assert journal_lines(tmp_path) == 1 + kept


def test_a_line_that_was_cut_off_is_asked_again(model, tmp_path, stop):
    whole = evaluate(model, tmp_path / "whole", *WORLD)
    stop(model, tmp_path / "cut", *WORLD, batches=2)
    path = tmp_path / "cut" / FILE
    path.write_bytes(path.read_bytes()[:-5])
    assert evaluate(model, tmp_path / "cut", *WORLD) == whole


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--max_new_tokens", "7"), "max_new_tokens was 6, is 7"),
        (("--temperature", "1"), "temperature was 0.0, is 1.0"),
        (("--limit", "2"), "cases was"),
        (("--dialect", "react"), "dialect was \"codellama\", is \"react\""),
    ],
)
def test_another_evaluation_sets_the_journal_aside(model, tmp_path, stop, capsys, more, said):
    kept = stop(model, tmp_path, *WORLD, batches=2)
    before = (tmp_path / FILE).read_bytes()
    evaluate(model, tmp_path, *WORLD, *more)
    told = capsys.readouterr()
    (line,) = (line for line in told.err.splitlines() if "set aside" in line)
    assert said in line and "predictions.partial-1.jsonl" in line
    assert (tmp_path / "predictions.partial-1.jsonl").read_bytes() == before and kept
    assert "cases are answered" not in told.out


def test_another_model_in_the_same_directory(model, tmp_path, stop, capsys):
    """As after more training: the flags are the same, the weights are not."""
    (tmp_path / "model").mkdir()
    mine = write_model(tmp_path / "model")
    stop(mine, tmp_path / "eval", *WORLD, batches=1)
    before = fingerprint(mine)
    weights = mine / "model.safetensors"
    weights.write_bytes(weights.read_bytes())
    assert fingerprint(mine) != before
    evaluate(mine, tmp_path / "eval", *WORLD)
    assert "model was" in capsys.readouterr().err


def test_all_answered_and_killed_while_scoring(model, tmp_path, monkeypatch, capsys):
    """The model is not even loaded."""

    def full(*args):
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(evaluation, "score", full)
        with pytest.raises(Stopped):
            evaluation.main(flags(model, tmp_path, *WORLD))
    said = (tmp_path / "predictions.jsonl").read_bytes()
    monkeypatch.setattr(evaluation, "Model", full)
    assert evaluate(model, tmp_path, *WORLD) == said
    assert "6 of 6 cases are answered" in capsys.readouterr().out


@pytest.mark.parametrize("line", ["[]", "{", '{"id": 1}', "[" * 100_000, '{"text": ""}'])
def test_a_journal_that_somebody_has_edited(tmp_path, line):
    Journal(tmp_path, {"a": 1}).add([{"id": "x", "text": ""}])
    with (tmp_path / FILE).open("a") as file:
        file.write(line + "\n")
    with pytest.raises(evaluation.InputError, match=rf"{FILE}:3: is no reply.*delete the file"):
        Journal(tmp_path, {"a": 1})


@pytest.mark.parametrize("head", [b"", b"\n", b"{}\n", b"[1]\n{}\n", b"\xff\n", b'{"settings": 1}\n'])
def test_a_file_that_is_no_journal(tmp_path, head, capsys):
    (tmp_path / FILE).write_bytes(head)
    assert Journal(tmp_path, {"a": 1}).rows == {}
    assert json.loads((tmp_path / FILE).read_text()) == {"settings": {"a": 1}}
    aside = tmp_path / "predictions.partial-1.jsonl"
    assert aside.exists() == (b"\n" in head) and ("set aside" in capsys.readouterr().err) == (
        b"\n" in head
    )
