"""`python -m tl.agent`: what is shown, how it ends, which flags are refused. The model's words are
scripted; everything else is the command.
"""

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.scripted import Script
from tl import InputError
from tl.agent import generation
from tl.agent.__main__ import main
from tl.agent.chat import visible
from tl.data.tokenizer import load_tokenizer
from tl.data.tokenizer_files import read_config
from tl.model.config import ModelConfig
from tl.model.hf import init_model, save_model
from tl.model.weights import read_json
from tl.world import FAMILIES, tokenizer

ROOT = Path(__file__).resolve().parents[1]
TINY = Path(tokenizer.__file__).parent / "tiny"
TOOLS = '''
import time

def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b

def wait(seconds: float = 60.0) -> str:
    """Wait."""
    time.sleep(seconds)
    return "waited"

def read() -> str:
    """Reads a line."""
    return input()

def fail(word: str) -> str:
    """Fails."""
    raise ValueError(word)
'''


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A model directory with random weights: its words are never used."""
    return make_model(tmp_path_factory.mktemp("model"))


def make_model(folder: Path, **sizes: int) -> Path:
    small = {"num_hidden_layers": 1, "hidden_size": 32, "intermediate_size": 32,
             "num_attention_heads": 1, "num_key_value_heads": 1}  # fmt: skip
    config = ModelConfig.from_hf(read_json(TINY / "config.json") | small | sizes)
    save_model(init_model(config, 0), folder)
    for file in read_config(TINY).files:
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


@pytest.fixture
def tools(tmp_path) -> Path:
    path = tmp_path / "my_tools.py"
    path.write_text(TOOLS)
    return path


@pytest.fixture
def chat(model, tools, monkeypatch, capsys):
    """chat(*replies, lines=(what the user types), flags=(...)): (stdout, seen flags of generate)"""

    def run(*replies, lines=(), flags=(), tools=tools):
        script = Script(load_tokenizer(TINY), *replies)
        seen = {}

        def generate(model, prompts, **given):
            seen.update(given)
            return script(prompts)

        monkeypatch.setattr(generation, "generate", generate)
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        argv = ["--model", str(model), "--tools", str(tools), "--device", "cpu", *flags]
        assert main(argv) == 0
        seen["prompts"] = [load_tokenizer(TINY).decode(prompt) for prompt in script.prompts]
        return capsys.readouterr().out, seen

    return run


def test_calls_and_results_are_shown(chat):
    out, seen = chat(
        "add(a = 2, b = 3)",
        "add(a = 2",
        "find(x = 1)",
        "fail(word = 'no way')",
        "finish(answer = '5')",
        flags=["--query", "What is 2 + 3?"],
    )
    assert out == (
        "  > add(a = 2, b = 3)\n"
        "  < 5\n"
        "  ! add(a = 2\n"
        "  ! the text ends where ',' or ')' is expected (at character 10)\n"
        "  > find(x = 1)\n"
        "  < name 'find' is not defined\n"
        "  > fail(word = 'no way')\n"
        "  < no way\n"
        "  > finish(answer = '5')\n"
        "Assistant: 5\n"
    )
    prompt = seen["prompts"][0]
    names = ["add", "wait", "read", "fail", "ask_to_user", "finish"]
    assert [line[4:].split("(")[0] for line in prompt.splitlines() if line[:4] == "def "] == names
    assert prompt.endswith("\nUser: What is 2 + 3?\nAssistant:")


def test_a_chat_remembers_until_new(chat):
    out, seen = chat("One.", "Two.", "Three.", lines=["first", "", "  ", "second", "/new", "third"])
    assert out == "Assistant: One.\nAssistant: Two.\nAssistant: Three.\n"
    assert "User: first\nAssistant: One.\nUser: second\nAssistant:" in seen["prompts"][1]
    assert "first" not in seen["prompts"][2] and len(seen["prompts"]) == 3


def test_questions_are_asked_in_the_terminal(chat):
    ask = "ask_to_user(question = 'Which?')"
    out, seen = chat(ask, "Good.", lines=["go", "this one"])
    assert out == "Assistant asks: Which?\nAssistant: Good.\n"
    assert seen["prompts"][1].endswith(f"Assistant: {ask}\nUser: this one\nAssistant:")
    out, seen = chat("ask_to_user()", "Good.", flags=["--query", "go"])
    words = "ask_to_user() missing 1 required positional argument: 'question'"
    assert out == f"  < {words}\nAssistant: Good.\n"
    out, seen = chat(ask, "Good.", flags=["--query", "go"])
    assert seen["prompts"][1].endswith("\nUser: I have no further information.\nAssistant:")


def test_endings_without_an_answer_are_said(chat):
    assert chat("add(a = 1, b = 1)", flags=["--query", "x", "--max_turns", "2"])[0].endswith(
        "(stopped after 2 turns without an answer)\n"
    )
    assert chat("add(", flags=["--query", "x"])[0].endswith(
        "(stopped after 9 turns, the last reply was no call)\n"
    )
    assert chat("", flags=["--query", "x"])[0] == "(an empty reply)\n"
    assert chat("finish()", flags=["--query", "x"])[0].endswith("(finished without an answer)\n")
    long = "word " * 3000
    out, seen = chat("Never said.", lines=[long, "again", "/new", "short"])
    full = "(the conversation fills the 2,048 positions of the model; /new starts a fresh one)\n"
    assert out == full + full + "Assistant: Never said.\n" and len(seen["prompts"]) == 1


def test_flags_reach_generate(chat):
    flags = ["--query", "x", "--temperature", "0.5", "--top_p", "0.9", "--max_new_tokens", "7"]
    seen = chat("Yes.", flags=flags)[1]
    assert (seen["temperature"], seen["top_p"], seen["max_new_tokens"]) == (0.5, 0.9, 7)
    assert seen["eos_ids"] == [1]
    again = chat("Yes.", flags=[*flags, "--seed", "42"])[1]
    other = chat("Yes.", flags=[*flags, "--seed", "7"])[1]
    draws = [torch.rand(3, generator=s["generator"]).tolist() for s in (seen, again, other)]
    assert draws[0] == draws[1] != draws[2]


def test_a_tool_that_hangs_does_not_stop_the_chat(chat):
    out, _ = chat(
        "wait()", "add(a = 1, b = 1)", "Done.", flags=["--query", "x", "--tool_timeout", "0.3"]
    )
    assert out == (
        "  > wait()\n  < wait timed out after 0.3 seconds\n"
        "  > add(a = 1, b = 1)\n  < 2\nAssistant: Done.\n"
    )


def test_the_worlds_tools(chat):
    out, seen = chat(
        "search_hotels(city = 'Atlantis')", "Done.", flags=["--query", "x"], tools="world"
    )
    assert '  < {"error": "Unknown city: \'Atlantis\'."}\n' in out
    assert "def search_hotels(" in seen["prompts"][0]
    names = ["weather", "search_hotels", "search_hotels", "finish"]
    seen = chat("Done.", flags=["--query", "x", "--offer", *names], tools="world")[1]
    offered = [line for line in seen["prompts"][0].splitlines() if line.startswith("def ")]
    assert "def search_flights(" not in seen["prompts"][0]
    assert len(offered) == len(set(offered)) >= 5
    assert offered[-1].startswith("def finish(") and offered[-2].startswith("def ask_to_user(")


def test_offer_chooses_among_own_tools(chat):
    out, seen = chat("wait()", "Done.", flags=["--query", "x", "--offer", "add"])
    assert "def wait(" not in seen["prompts"][0] and "name 'wait' is not defined" in out


def test_control_characters_are_shown_as_boxes(chat, capsys):
    out, _ = chat("\x1b[2J Hello\u202e", flags=["--query", "x\ud800"])
    assert out == "Assistant: ␦[2J Hello␦\n"
    out, _ = chat("add(a = 'x\\nUser: y', b = '')", "Done.", flags=["--query", "x"])
    assert '\n  < "x\\nUser: y"\nAssistant: Done.' in out
    out, _ = chat("fail(word = 'x\\nUser: y')", "Done.", flags=["--query", "x"])
    assert "\n  < x\n    User: y\nAssistant: Done." in out
    assert visible("a\n\tb\ud800") == "a\n\tb␦"


@pytest.mark.parametrize(
    "flags, words",
    [
        (["--tools", "none.py"], "none.py: expected a Python file"),
        (["--tools", "world", "--offer", "nobody"], "--offer nobody: expected a family"),
        (["--offer", "nobody"], "--offer nobody: expected one of add, wait, read, fail"),
        (["--tools", "world", "--offer", *FAMILIES],
         "name fewer with --offer"),
        (["--model", "/no/such/model"], "/no/such/model"),
    ],
)  # fmt: skip
def test_mistakes_of_the_user_are_one_line(chat, flags, words):
    with pytest.raises(InputError) as caught:
        chat("Done.", flags=["--query", "x", *flags])
    assert words in str(caught.value)


def test_a_tokenizer_of_another_model_is_refused(chat, tmp_path):
    other = make_model(tmp_path / "other", vocab_size=64)
    with pytest.raises(InputError, match=r"other: the tokenizer writes the token id \d+, expected"):
        chat("Done.", flags=["--query", "x", "--model", str(other)])


def test_a_tool_named_like_one_of_the_chat_is_refused(chat, tools):
    tools.write_text("def finish(answer: str): ...\n")
    with pytest.raises(InputError, match=r"finish\(\) is the chat's own; rename it"):
        chat("Done.", flags=["--query", "x"])


@pytest.mark.parametrize(
    "flags", [["--query", " "], ["--top_p", "0"], ["--max_turns", "0"], ["--tool_timeout", "0"]]
)
def test_flags_are_refused(chat, flags, capsys):
    with pytest.raises(SystemExit) as caught:
        chat("Done.", flags=flags)
    assert caught.value.code == 2 and flags[0] in capsys.readouterr().err


@pytest.mark.parametrize(
    "text, expected",
    [(b'{"eos_token_id": 5}', [1, 5]), (b'{"eos_token_id": [1, 7]}', [1, 7]), (b"{}", [1]),
     (b"{", None), (b"[" * 100_000, None), (b'{"eos_token_id": "x"}', None)],
)  # fmt: skip
def test_stop_ids_of_generation_config(chat, model, text, expected):
    path = model / "generation_config.json"
    path.write_bytes(text)
    try:
        if expected is None:
            with pytest.raises(InputError, match="generation_config.json"):
                chat("Done.", flags=["--query", "x"])
        else:
            assert chat("Done.", flags=["--query", "x"])[1]["eos_ids"] == expected
    finally:
        path.unlink()


def test_the_command_with_a_real_model(model, tools):
    """A random model writes garbage, the command ends in order all the same."""
    flags = ["--query", "What is 2 + 3?", "--max_new_tokens", "8", "--temperature", "1.5"]
    argv = ["--model", str(model), "--tools", str(tools), "--device", "cpu", *flags]
    program = [sys.executable, "-m", "tl.agent", *argv]
    first, again = (subprocess.run(program, cwd=ROOT, capture_output=True) for _ in range(2))
    assert first.returncode == 0 and first.stdout.strip(), first.stderr
    assert first.stdout == again.stdout, "the seed decides"


# The process

PROGRAM = """
import sys
from tests.scripted import Script
from tl.agent import generation
from tl.agent.__main__ import main
from tl.data.tokenizer import load_tokenizer
script = Script(load_tokenizer(sys.argv.pop(1)), *eval(sys.argv.pop(1)))
generation.generate = lambda model, prompts, **flags: script(prompts)
from tl.run.report import run
run(main)
"""


def start(model, tools, *replies, terminal=subprocess.PIPE):
    flags = ["--model", str(model), "--tools", str(tools), "--device", "cpu"]
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(TINY), repr(replies), *flags],
        cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdin=terminal, stdout=terminal, stderr=subprocess.PIPE,
        # A shell starts background jobs with Ctrl-C switched off, which would be inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip


def test_the_end_of_piped_input_ends_it(model, tools):
    program = start(model, tools, "Hello.")
    out, err = program.communicate(b"caf\xe9\n", timeout=60)
    assert (program.returncode, out) == (0, b"Assistant: Hello.\n")
    assert err.decode().splitlines() == ["tools: add, wait, read, fail, ask_to_user, finish"]


def test_a_terminal_gets_a_prompt_and_leaves_at_ctrl_d(model, tools):
    ours, theirs = os.openpty()
    program = start(model, tools, "Hello.", terminal=theirs)
    os.close(theirs)
    os.write(ours, b"hi\n")
    shown = b""
    while b"Assistant: Hello.\r\nUser: " not in shown:
        shown += os.read(ours, 4096)
    os.write(ours, b"\x04")
    assert program.wait(timeout=60) == 0
    os.close(ours)


def test_an_interrupt_leaves_in_one_line(model, tools):
    program = start(model, tools, "read()", "wait()")
    program.stdin.write(b"wait\n")
    program.stdin.flush()
    assert program.stdout.readline() == b"  > read()\n"
    assert program.stdout.readline() == b"  < EOF when reading a line\n", (
        "the chat's input is not its"
    )
    assert program.stdout.readline() == b"  > wait()\n", "the call is shown before it runs"
    program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=60)
    assert program.returncode == 130
    assert err.decode().splitlines()[1:] == ["interrupted"]


def test_a_mistake_of_the_user_is_one_line(model, tmp_path):
    program = start(model, tmp_path / "none.py", "Hello.")
    out, err = program.communicate(timeout=60)
    assert program.returncode == 1 and out == b""
    (line,) = err.decode().splitlines()
    assert line.startswith("error: ") and "none.py" in line
