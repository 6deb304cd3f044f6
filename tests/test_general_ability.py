"""MMLU, GSM8K, HumanEval: readers and judges on small files in the upstream layout, the likelihood
of options against the whole logits, programs under their limits.
"""

import gzip
import json
import os
import sys
from decimal import Decimal

import pytest
import torch

import eval as evaluation
from tests.micro import write_model
from tl import InputError
from tl.answers.likelihood import log_likelihoods
from tl.bench import confined, gsm8k, humaneval, mmlu
from tl.bench.programs import run_program
from tl.bench.records import TextQuestion
from tl.model.hf import load_model

LINUX = sys.platform.startswith("linux")


def write_mmlu(folder, subjects=("anatomy", "world_history")):
    for part in ("dev", "test"):
        (folder / "data" / part).mkdir(parents=True)
    for subject in subjects:
        for part, count in (("dev", 5), ("test", 3)):
            rows = [f'"{subject}, {part} {i}?",one,"two, or\nso",3,four,{"ABCDA"[i]}'
                    for i in range(count)]  # fmt: skip
            path = folder / "data" / part / f"{subject}_{part}.csv"
            path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def write_gsm8k(folder, monkeypatch, problems=3):
    monkeypatch.setattr(gsm8k, "SHA256", dict.fromkeys(gsm8k.SHA256))
    data = folder / "grade_school_math" / "data"
    data.mkdir(parents=True)
    for part, count in (("train", 9), ("test", problems)):
        rows = [{"question": f"{part} {i}: {i} and 1?", "answer": f"{i}+1=<<{i}+1={i + 1}>>{i + 1}."
                 f"\n#### {i + 1}"} for i in range(count)]  # fmt: skip
        (data / f"{part}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def write_humaneval(folder, monkeypatch, packed=True):
    monkeypatch.setattr(humaneval, "SHA256", None)
    (folder / "data").mkdir(parents=True)
    rows = [{"task_id": f"HumanEval/{i}", "prompt": f'def add{i}(a):\n    """a + {i}"""\n',
             "entry_point": f"add{i}", "canonical_solution": f"    return a + {i}\n",
             "test": f"def check(candidate):\n    assert candidate(1) == {1 + i}\n"}
            for i in range(2)]  # fmt: skip
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    name = "HumanEval.jsonl.gz" if packed else "HumanEval.jsonl"
    (folder / "data" / name).write_bytes(gzip.compress(data) if packed else data)
    return folder, rows


# --- readers and judges


@pytest.mark.parametrize("inside", ["", "data"])
def test_mmlu_is_read_as_its_authors_show_it(tmp_path, inside):
    questions = mmlu.read_mmlu(write_mmlu(tmp_path) / inside)
    assert [each.id for each in questions][2:4] == ["anatomy/2", "world_history/0"]
    last = questions[-1]
    shown = last.prompt()
    head = "The following are multiple choice questions (with answers) about  world history.\n\n"
    assert shown.startswith(
        f"{head}world_history, dev 0?\nA. one\nB. two, or\nso\nC. 3\nD. four\nAnswer: A\n\nworld"
    )
    assert shown.endswith("\n\nworld_history, test 2?\nA. one\nB. two, or\nso\nC. 3\nD. four\nAnswer:")
    assert shown.count("Answer:") == 6 and last.prompt(2).count("Answer:") == 3
    assert last.options == (" A", " B", " C", " D") and last.answer == "C"
    assert mmlu.is_right(last, " C") and not mmlu.is_right(last, " A")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("q,1,2,3,A\n", "anatomy_test.csv:1: 5 fields, the last 'A', expected a question"),
        ("q,1,2,3,4,A\nq,1,2,3,4,E\n", "anatomy_test.csv:2: 6 fields, the last 'E'"),
        ('q,1,2,3,4,A\n"q,1', "anatomy_test.csv: is no CSV"),
        (b"\xff", "anatomy_test.csv: is not UTF-8"),
    ],
)
def test_a_file_of_mmlu_that_is_none(tmp_path, content, message):
    path = write_mmlu(tmp_path) / "data" / "test" / "anatomy_test.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=message):
        mmlu.read_mmlu(tmp_path)


def test_mmlu_that_is_not_whole(tmp_path):
    folder = write_mmlu(tmp_path)
    (folder / "data" / "dev" / "anatomy_dev.csv").write_text("q,1,2,3,4,A\n")
    with pytest.raises(InputError, match="anatomy_dev.csv: has 1 questions, expected 5"):
        mmlu.read_mmlu(folder)
    (folder / "data" / "dev" / "anatomy_dev.csv").unlink()
    with pytest.raises(InputError, match="anatomy_dev.csv: is missing"):
        mmlu.read_mmlu(folder)
    with pytest.raises(InputError, match=r"has no dev/\*_dev.csv"):
        mmlu.read_mmlu(tmp_path / "data" / "dev")


def test_gsm8k_shows_eight_solutions_of_the_training_file(tmp_path, monkeypatch):
    questions = gsm8k.read_gsm8k(write_gsm8k(tmp_path, monkeypatch))
    shown = questions[2].prompt()
    assert shown.startswith("Question: train 0: 0 and 1?\nAnswer: 0+1=1.\n#### 1\n\nQuestion: train 1")
    assert shown.endswith("#### 8\n\nQuestion: test 2: 2 and 1?\nAnswer:") and "<<" not in shown
    assert shown.count("####") == 8 and questions[2].id == "gsm8k/2"
    assert gsm8k.is_right(questions[2], " It is 2+1.\n#### 3\n\nQuestion: 9?\nAnswer: #### 9")
    assert not gsm8k.is_right(questions[2], " I see.\n\nQuestion: 9?\nAnswer: #### 3")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("so 1,234.50 in all.\n#### 1,234.50", "1234.5"), ("#### -3", "-3"), ("#### $18.00", "18"),
        ("7 then 9 apples.", "9"), ("none", None), ("", None), ("#### none, but 4", "4"),
        ("#### 5\n#### 6", "5"), ("5 is it ####", "5"), ("0.5", "0.5"), ("a 1, b 2, c", "2"),
    ],
)  # fmt: skip
def test_the_final_number(text, number):
    assert gsm8k.final_number(text) == (None if number is None else Decimal(number))


@pytest.mark.parametrize("packed", [True, False])
def test_humaneval_runs_the_function_to_the_end_of_its_tests(tmp_path, monkeypatch, packed):
    folder, rows = write_humaneval(tmp_path, monkeypatch, packed)
    questions = humaneval.read_humaneval(folder)
    assert [each.id for each in questions] == ["HumanEval/0", "HumanEval/1"]
    for question, row in zip(questions, rows, strict=True):
        good = row["canonical_solution"]
        assert run_program(humaneval.program(question, good)).passed
        assert run_program(humaneval.program(question, good + "\nprint(1/0)\ndef x(")).passed
        for bad in ("    return a - 1\n", "    pass\n", "    return (\n", "    import sys; sys.exit(0)\n"):
            assert not run_program(humaneval.program(question, bad)).passed, bad


def test_an_altered_file_is_refused(tmp_path, monkeypatch):
    folder, _ = write_humaneval(tmp_path / "h", monkeypatch)
    write_gsm8k(tmp_path / "g", monkeypatch)
    monkeypatch.undo()
    with pytest.raises(InputError, match="HumanEval.jsonl.gz: is not the published file"):
        humaneval.read_humaneval(folder)
    with pytest.raises(InputError, match="train.jsonl: is not the published file"):
        gsm8k.read_gsm8k(tmp_path / "g")
    (folder / "data" / "HumanEval.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(InputError, match="HumanEval.jsonl.gz: cannot be unpacked"):
        humaneval.read_humaneval(folder)
    with pytest.raises(InputError, match=r"has no HumanEval.jsonl.gz, expected https://github"):
        humaneval.read_humaneval(tmp_path)


# --- programs


@pytest.mark.parametrize(
    ("text", "guard"),
    [
        ("while True: pass", "limits"),
        ("import time; time.sleep(60)", "limits"),
        ("x = 'a' * 2**31", "limits"),
        ("open('f', 'wb').write(b'a' * 2**22)", "limits"),
        ("import socket; socket.create_connection(('127.0.0.1', {port}), 1)", "network"),
        ("import os; os.kill({pid}, 0)", "processes"),
        ("open({outside!r}, 'w').write('a')", "files"),
        ("import os; os.remove({kept!r})", "files"),
        ("import os; os.rename('program.py', {outside!r})", "files"),
    ],
)
def test_what_a_program_must_not_do(tmp_path, text, guard):
    import socket

    kept, outside = tmp_path / "kept", tmp_path / "outside"
    kept.write_text("kept")
    with socket.create_server(("127.0.0.1", 0)) as server:
        text = text.format(port=server.getsockname()[1], pid=os.getpid(), outside=str(outside),
                           kept=str(kept))  # fmt: skip
        outcome = run_program(text, seconds=1)
    assert set(outcome.guards) == {"limits", "network", "processes", "files"}
    if not outcome.guards[guard]:
        pytest.skip(f"this platform cannot confine programs: {guard}")
    assert not outcome.passed and kept.read_text() == "kept" and not outside.exists()


def test_where_no_program_can_be_started(monkeypatch):
    """It is said, and not counted as a wrong program."""
    monkeypatch.setattr("tl.bench.programs.CONFINED", __file__ + ".none")
    with pytest.raises(InputError, match="programs cannot be started .*expected"):
        run_program("x = 1")


def test_limits_that_the_platform_refuses_are_reported(monkeypatch):
    def refused(kind, limits):
        raise ValueError

    monkeypatch.setattr(confined.resource, "setrlimit", refused)
    assert confined.limited(1, 2**30, False) is False


def test_what_a_program_may_do(tmp_path):
    text = "open('f', 'w').write('x')\nimport os, json, threading\nassert os.listdir('.')\nprint('é')"
    assert run_program(text).passed and not list(tmp_path.iterdir())


def test_nothing_survives_a_program():
    """A child that has left its session ends with it, where process namespaces are to be had."""
    mark = f"tl-{os.getpid()}-survivor"
    text = f"import os, time\nif os.fork() == 0:\n    os.setsid()\n    x = {mark!r}\n    time.sleep(99)"
    outcome = run_program(text, seconds=2)
    if not outcome.guards["processes"] or not LINUX:
        pytest.skip("this platform has no process namespaces for ordinary users")
    folders = [p for p in os.listdir("/proc") if p.isdigit()]
    for number in folders:
        try:
            assert "program.py" not in open(f"/proc/{number}/cmdline").read()
        except OSError:
            continue


# --- the likelihood of options


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model"), max_position_embeddings=2048)


def test_log_likelihoods_are_those_of_the_whole_logits(model):
    """Each prompt with each option on its own, all positions, in float64 sums."""
    decoder = load_model(model, torch.float32, "cpu").eval()
    prompts = [[5, 6, 7], [9], [5, 6]]
    options = [[[1], [2, 3], [2, 4]], [[8, 8, 8]], [[7, 1], [1]]]
    found = log_likelihoods(decoder, prompts, options)
    weight = decoder.lm_head.weight.detach()
    for prompt, of, logprobs in zip(prompts, options, found, strict=True):
        for option, got in zip(of, logprobs, strict=True):
            ids = torch.tensor(prompt + option)
            hidden = decoder(ids, torch.arange(len(ids)), torch.tensor([0, len(ids)]))
            table = (hidden.detach() @ weight.T).double().log_softmax(-1)
            want = sum(table[len(prompt) - 1 + i, token] for i, token in enumerate(option))
            assert abs(got - float(want)) < 1e-5
    assert len({round(x, 4) for row in found for x in row}) == 6


# --- end to end


@pytest.fixture
def run(tmp_path, capsys, model):
    def start(*flags, code=0):
        folder = tmp_path / "eval"
        argv = ["--model", str(model), "--output_dir", str(folder), "--max_new_tokens", "3", *flags]
        assert evaluation.main(argv) == code
        rows = [json.loads(line) for line in (folder / "predictions.jsonl").open()]
        page = (folder / "report.html").read_text()
        return json.loads((folder / "scores.json").read_text()), rows, capsys.readouterr().out, page

    return start


def test_mmlu_end_to_end(run, tmp_path):
    scores, rows, out, page = run("--benchmark", "mmlu", "--data", str(write_mmlu(tmp_path / "m")))
    numbers = scores["mmlu"]
    assert numbers["n"] == 6 and set(numbers["by_subject"]) == {"anatomy", "world_history"}
    for row in rows:
        assert len(row["logprobs"]) == 4 and row["text"] in (" A", " B", " C", " D")
        assert row["logprobs"][" A B C D".index(row["text"]) // 2] == max(row["logprobs"])
    right = [row["text"].strip() == "ABC"[place % 3] for place, row in enumerate(rows)]
    assert numbers["right"] == round(100 * sum(right) / 6, 2)
    assert "general ability" in out and "General ability" in page and "world_history" in page
    assert "5 solved questions" in scores["run"]["mmlu"]


def test_examples_that_have_no_room_are_left_out_and_counted(run, tmp_path, model):
    """The last of them go first; the model has 2,048 positions."""
    folder = write_mmlu(tmp_path / "m", ("anatomy",))
    path = folder / "data" / "dev" / "anatomy_dev.csv"
    path.write_text("".join(f"{'long ' * 500},1,2,3,4,A\n" for _ in range(5)))
    scores, rows, _, _ = run("--benchmark", "mmlu", "--data", str(folder))
    assert scores["mmlu"]["fewer_shots"] == 3 and {row["shots"] for row in rows} < set(range(5))


def test_gsm8k_end_to_end(run, tmp_path, monkeypatch):
    folder = write_gsm8k(tmp_path / "g", monkeypatch)
    scores, rows, out, _ = run("--benchmark", "gsm8k", "--data", str(folder), "--limit", "2")
    assert scores["gsm8k"]["n"] == 2 and scores["gsm8k"]["right"] == 0.0
    assert [row["id"] for row in rows] == ["gsm8k/0", "gsm8k/1"] and rows[0]["cut"]
    path = tmp_path / "said.jsonl"
    path.write_text("".join(json.dumps({"id": f"gsm8k/{i}", "text": f" #### {i + 1}"}) + "\n"
                            for i in (1, 0)))  # fmt: skip
    scores, *_ = run("--benchmark", "gsm8k", "--data", str(folder), "--limit", "2",
                     "--predictions", str(path))  # fmt: skip
    assert scores["gsm8k"]["right"] == 100.0


def test_humaneval_needs_leave_to_run_code(run, tmp_path, monkeypatch):
    folder, rows = write_humaneval(tmp_path / "h", monkeypatch)
    flags = ("--benchmark", "humaneval", "--data", str(folder))
    with pytest.raises(InputError, match="got no --allow_code_execution") as caught:
        run(*flags)
    assert "\n" not in str(caught.value) and not (tmp_path / "eval").exists()
    path = tmp_path / "said.jsonl"
    said = [rows[0]["canonical_solution"], "    return 0\n"]
    path.write_text("".join(json.dumps({"id": f"HumanEval/{i}", "text": text}) + "\n"
                            for i, text in enumerate(said)))  # fmt: skip
    scores, _, out, _ = run(*flags, "--allow_code_execution")
    assert scores["humaneval"]["n"] == 2 and set(scores["humaneval"]["guards"]) > {"limits"}
    scores, *_ = run(*flags, "--allow_code_execution", "--predictions", str(path))
    assert scores["humaneval"]["right"] == 50.0
    monkeypatch.setattr("tl.answers.reading.run_program",
                        lambda text: run_program(text)._replace(guards={"network": False}))  # fmt: skip
    _, _, out, page = run(*flags, "--allow_code_execution", "--predictions", str(path))
    assert "humaneval: this platform let programs use the network" in out
    assert "let programs use the network" in page


def test_all_that_is_there(run, tmp_path, monkeypatch):
    root = tmp_path / "clones"
    write_mmlu(root / "test")
    write_gsm8k(root / "grade-school-math", monkeypatch)
    write_humaneval(root / "human-eval", monkeypatch)
    flags = ("--benchmark", "all", "--data_root", str(root), "--limit", "2")
    scores, rows, out, _ = run(*flags)
    assert set(scores) == {"run", "mmlu", "gsm8k"}
    assert [row["id"] for row in rows] == ["mmlu/anatomy/0", "mmlu/anatomy/1", "gsm8k/gsm8k/0",
                                           "gsm8k/gsm8k/1"]  # fmt: skip
    lines = out.splitlines()
    for name in ("toolalpaca", "rotbench", "bfcl", "tooleyes"):
        assert f"{name}: absent, no folder in {root} has its files" in lines
    assert any(line.startswith("humaneval: left out") for line in lines)
    assert "rotbench: absent" in scores["run"]["left out"]
    scores, *_ = run(*flags, "--allow_code_execution")
    assert scores["humaneval"]["n"] == 2


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "--data_root: --benchmark all needs the folder .*, got no folder"),
        (("--data_root", "{}/none"), "--data_root: .*, got .*none, which is none"),
        (("--data_root", "{}"), "has none of the benchmarks, expected clones of some of toolalpaca"),
        (("--data_root", "{}", "--data", "x"), "takes --data_root and the first set of each, got --data"),
        (("--data_root", "{}", "--sets", "exec"), "got --sets"),
    ],
)
def test_mistakes_with_all(run, tmp_path, flags, message):
    with pytest.raises(InputError, match=message) as caught:
        run("--benchmark", "all", *(flag.format(tmp_path) for flag in flags))
    assert "\n" not in str(caught.value) and not (tmp_path / "eval").exists()


def test_questions_keep_their_examples_in_order():
    question = TextQuestion("a", "i", ("1", "2", "3"), "q", "x")
    assert [question.prompt(n) for n in (None, 3, 1, 0)] == ["i123q", "i123q", "i1q", "iq"]
