"""MMLU: 57 subjects, four options each; the letter that the model finds likeliest, with five solved
questions of the subject before it (Hendrycks et al., 2021).

Data: data.tar of https://github.com/hendrycks/test, unpacked: data/dev/<subject>_dev.csv (five
questions) and data/test/<subject>_test.csv, without a header: question, four options, the letter.
The prompt is that of the authors' evaluate.py at 4450500, subject by subject in the alphabet's
order. Any part of the subjects can be given; what is there is said beside the score.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

from tl import InputError
from tl.bench.records import TextQuestion

LETTERS = ("A", "B", "C", "D")
SHOTS = 5
SUBJECTS, QUESTIONS = 57, 14_042  # of the whole
SOURCE = "data.tar of https://github.com/hendrycks/test, unpacked"


def has_mmlu(folder: str | Path) -> bool:
    return _data(folder) is not None


def read_mmlu(folder: str | Path) -> list[TextQuestion]:
    """The questions of every subject that is there; ids <subject>/<number, from 0>. InputError for
    a folder without subjects, and for a line that is no question.
    """
    data = _data(folder)
    if data is None:
        raise InputError(f"--data {folder}: has no dev/*_dev.csv and test/*_test.csv, expected "
                         f"{SOURCE}")  # fmt: skip
    subjects = [path.name.removesuffix("_test.csv") for path in (data / "test").glob("*_test.csv")]
    return [question for name in sorted(subjects) for question in _questions(data, name)]


def is_right(question: TextQuestion, reply: str) -> bool:
    return reply.strip() == question.answer


def _data(folder: str | Path) -> Path | None:
    for place in (Path(folder), Path(folder) / "data"):
        if any((place / "test").glob("*_test.csv")) and any((place / "dev").glob("*_dev.csv")):
            return place
    return None


def _questions(data: Path, subject: str) -> Iterator[TextQuestion]:
    solved = list(_rows(data / "dev" / f"{subject}_dev.csv"))
    if len(solved) < SHOTS:
        raise InputError(f"{data / 'dev' / subject}_dev.csv: has {len(solved)} questions, expected "
                         f"{SHOTS}; take {SOURCE}")  # fmt: skip
    title = subject.replace("_", " ")
    # the authors' format_subject puts a second space in front of the subject
    intro = f"The following are multiple choice questions (with answers) about  {title}.\n\n"
    shots = tuple(f"{_asked(row)} {row[-1]}\n\n" for row in solved[:SHOTS])
    options = tuple(f" {letter}" for letter in LETTERS)
    for number, row in enumerate(_rows(data / "test" / f"{subject}_test.csv")):
        yield TextQuestion(f"{subject}/{number}", intro, shots, _asked(row), row[-1], options,
                           splits={"subject": subject})  # fmt: skip


def _asked(row: list[str]) -> str:
    options = "".join(f"\n{each}. {text}" for each, text in zip(LETTERS, row[1:-1], strict=True))
    return f"{row[0]}{options}\nAnswer:"


def _rows(path: Path) -> Iterator[list[str]]:
    """[question, four options, letter]"""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            for row in reader:
                if len(row) != len(LETTERS) + 2 or row[-1] not in LETTERS:
                    shown = f"{len(row)} fields, the last {ascii(row[-1][:20]) if row else 'none'}"
                    raise InputError(
                        f"{path}:{reader.line_num}: {shown}, expected a question, four options "
                        f"and one letter of ABCD; take {SOURCE}"
                    )
                yield row
    except UnicodeDecodeError as error:
        message = f"{path}: is not UTF-8 text (byte {error.start}); take {SOURCE}"
        raise InputError(message) from error
    except csv.Error as error:
        raise InputError(f"{path}: is no CSV ({error}); take {SOURCE}") from error
    except FileNotFoundError as error:
        raise InputError(f"{path}: is missing; take {SOURCE}") from error
