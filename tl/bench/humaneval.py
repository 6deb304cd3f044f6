"""HumanEval: 164 functions to be completed; pass@1 with one program each (Chen et al., 2021).

Data: data/HumanEval.jsonl.gz of openai/human-eval at 6d43fb9, packed or not. The model continues
signature and docstring; its reply ends where the function does, at the first of `STOPS`. A program
is right if it runs through to the end of the published tests (`programs` runs it).
"""

from pathlib import Path

from tl import InputError
from tl.bench.records import TextQuestion
from tl.bench.upstream import Upstream, find, read_rows

UPSTREAM = Upstream("openai/human-eval", "6d43fb980f9fee3c892a914eda09951f772ad10d", "data/")
FILES = ("HumanEval.jsonl.gz", "HumanEval.jsonl")
SHA256 = "1d49078ba3e2b196b9344535bef34a43021f038fad9561d6ee7c53450609a6a2"  # unpacked
LONGEST = 512  # tokens
STOPS = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")  # of the article, section 2.2


def read_humaneval(folder: str | Path) -> list[TextQuestion]:
    """The functions in the order of the file, with its ids. InputError for a file that is missing
    or altered.
    """
    rows = read_rows(folder, UPSTREAM, _file(folder), SHA256)
    return [
        TextQuestion(row["task_id"], "", (), row["prompt"],
                     f"{row['test']}\ncheck({row['entry_point']})\n", longest=LONGEST)
        for row in rows
    ]  # fmt: skip


def program(question: TextQuestion, reply: str) -> str:
    """The function as the model wrote it, and its tests."""
    end = min((at for stop in STOPS if (at := reply.find(stop)) >= 0), default=len(reply))
    return f"{question.prompt()}{reply[:end]}\n{question.answer}"


def _file(folder: str | Path) -> str:
    """Which of FILES is there; the error names the first."""
    packed, plain = FILES
    try:
        find(folder, UPSTREAM, packed)
        return packed
    except InputError as error:
        try:
            find(folder, UPSTREAM, plain)
        except InputError:
            raise error from None
        return plain
