"""GSM8K: 1,319 word problems; the final number, after eight solved problems (Cobbe et al., 2021).

Data: grade_school_math/data/{train,test}.jsonl of openai/grade-school-math at 3101c7d. The solved
problems are the first eight of the training file, without their calculator annotations. A solution
ends with `#### number`. A reply counts up to the next "Question:"; its number is the one behind its
first `####`, else its last one. Numbers are compared as such: 1,000.00 is 1000.
"""

import re
from decimal import Decimal
from pathlib import Path

from tl.bench.records import TextQuestion
from tl.bench.upstream import Upstream, read_rows

UPSTREAM = Upstream("openai/grade-school-math", "3101c7d5072418e28b9008a6636bde82a006892c")
TRAIN, TEST = "grade_school_math/data/train.jsonl", "grade_school_math/data/test.jsonl"
SHA256 = {
    TRAIN: "17f347dc51477c50d4efb83959dbb7c56297aba886e5544ee2aaed3024813465",
    TEST: "3730d312f6e3440559ace48831e51066acaca737f6eabec99bccb9e4b3c39d14",
}
SHOTS = 8
LONGEST = 400  # tokens; the longest published solution has some 350
MARK, NEXT = "####", "\nQuestion:"
ANNOTATION = re.compile(r"<<[^<>]*>>")
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?|-?\.\d+")


def read_gsm8k(folder: str | Path) -> list[TextQuestion]:
    """The problems in the order of the file; ids gsm8k/<number, from 0>. InputError for a file that
    is missing or altered.
    """
    train, test = (read_rows(folder, UPSTREAM, path, SHA256[path]) for path in (TRAIN, TEST))
    shots = tuple(f"{_asked(row)} {_solution(row)}\n\n" for row in train[:SHOTS])
    return [
        TextQuestion(f"gsm8k/{number}", "", shots, _asked(row), _solution(row), longest=LONGEST)
        for number, row in enumerate(test)
    ]


def is_right(question: TextQuestion, reply: str) -> bool:
    said = final_number(reply)
    return said is not None and said == final_number(question.answer)


def final_number(text: str) -> Decimal | None:
    """The number that a solution ends with, None without any."""
    own = text.partition(NEXT)[0]
    _, mark, behind = own.partition(MARK)
    found = NUMBER.findall(behind.partition("\n")[0])[:1] if mark else []
    found = found or NUMBER.findall(own)
    return Decimal(found[-1].replace(",", "")) if found else None


def _asked(row: dict[str, str]) -> str:
    return f"Question: {row['question']}\nAnswer:"


def _solution(row: dict[str, str]) -> str:
    return ANNOTATION.sub("", row["answer"])
