"""The pre-training text and the command that trains on it."""

import random
import re
import shutil
from collections import Counter

import pytest
import torch
from safetensors.torch import load_file

from tests.micro import write_model
from tl.calls.parse import format_call, parse_call
from tl.data.tokenizer import load_tokenizer
from tl.run.log import read_metrics
from tl.world import TOOLS
from tl.world.pretrain import __main__ as pretrain
from tl.world.pretrain import (
    aspects,
    fields,
    lexicon,
    lookups,
    manuals,
    modules,
    queries,
)
from tl.world.pretrain import documents as text
from tl.world.pretrain.curriculum import CURRICULUM, stage_of
from tl.world.tasks import CHOICE
from tl.world.tokenizer import TINY
from tl.world.unseen import tasks_of

REQUEST = re.compile(r"^# (.*)\n(?:>>> )?(\w+\(.*\))$", re.MULTILINE)


@pytest.fixture(scope="module")
def tiny():
    return load_tokenizer(TINY)


@pytest.fixture(scope="module")
def corpus(words):
    """A thousand documents of the last stage and some of each stage before it."""
    rng = random.Random(7)
    last = [text.draw_document(words, rng) for _ in range(1000)]
    return last + [text.draw_document(words, rng, s) for s in CURRICULUM for _ in range(50)]


def test_documents_follow_from_seed_and_step_alone(words):
    def first(seed, step):
        return next(text.documents(words, seed, step))

    assert first(0, 2000) == first(0, 2000)
    assert len({first(seed, step) for seed in (0, 1) for step in (2000, 2001)}) == 4


def test_stages_follow_each_other():
    bounds = [stage.steps for stage in CURRICULUM]
    assert bounds[-1] is None and None not in bounds[:-1]
    places = [CURRICULUM.index(stage_of(step)) for step in range(sum(bounds[:-1]) + 5)]
    assert Counter(places) == {**dict(enumerate(bounds[:-1])), len(bounds) - 1: 5}
    assert places == sorted(places)


def test_no_chat_is_answered_by_a_call(corpus):
    """A base model knows no such pattern: no line of a dialect, no speaker who says a call."""
    openings = re.compile(r"^(?:System|User|Assistant|Output|Function|Action|Thought)\b", re.M)
    spoken_call = re.compile(r"^[A-Z]\w*: \w+\(\w+ ?=", re.M)
    for document in corpus:
        assert not openings.search(document), document
        assert not spoken_call.search(document), document
        assert not re.search(r"\w\(\w+ = [^\n]*\)$", document, re.MULTILINE)  # as `format_call`


def test_no_tool_of_the_world_is_in_it(corpus):
    tools = re.compile(rf"\b(?:{'|'.join(name for name in TOOLS if name != 'finish')})\b")
    for document in corpus:
        assert not tools.search(document), document


def test_every_line_that_calls_is_python_and_fits_its_definition(words):
    rng, calls = random.Random(3), 0
    for _ in range(300):
        document = rng.choice((modules.drill, manuals.manual, manuals.manual))(words, rng)
        defined = {
            match[1]: [p.split(":")[0].strip() for p in match[2].split(", ") if p]
            for match in re.finditer(r"^def (\w+)\((.*)\):(?:$| \.\.\.  # )", document, re.M)
        }
        for line in document.split("\n"):
            match = re.search(r"(?:^|[ `])(\w+)(\(.*\))`?$", line)
            if line.startswith("def ") or not match or match[1] not in defined:
                continue
            call = parse_call(match[1] + match[2])
            order = [name for name in defined[call.name] if name in call.arguments]
            assert list(call.arguments) == order
            assert format_call(call).replace(" = ", "=") == match[1] + match[2]
            calls += 1
    assert calls > 1000


def test_manuals_say_every_value(words):
    rng, seen = random.Random(14), Counter()
    for _ in range(200):
        lines = manuals.manual(words, rng).split("\n")
        for place, line in enumerate(lines):
            match = re.fullmatch(r"(?:>>> |return |\w+ = )(\w+\(.*\))", line)
            if not match:
                continue
            above = next(text for text in reversed(lines[:place]) if text.strip()).lower()
            seen["calls"] += 1
            for value in parse_call(match[1]).arguments.values():
                for part in value if isinstance(value, list) else [value]:
                    assert str(part).lower() in above, (above, line)
    assert seen["calls"] > 300


def test_manuals_show_no_tool_as_fine_tuning_does(words):
    """The signature of a tool and its docstring are the dialect's: `tl.calls.signature`."""
    rng, kinds = random.Random(15), set()
    for _ in range(200):
        document = manuals.manual(words, rng)
        kinds |= {kind for kind in ("string", "str") if f": {kind}" in document}
        has_json_types = re.search(r"^def .*: (?:string|integer|number|array)\b", document, re.M)
        assert not (has_json_types and re.search(r"^    \w+ \((?:string|integer)", document, re.M))
        assert " = '" not in document
    assert kinds == {"string", "str"}


def test_statements_fit_their_tables(words):
    """Each names a table of the document and columns of it, with values that the request says."""
    rng, seen = random.Random(16), Counter()
    served = re.compile(
        r"^(?:-- |# |/\* |)(.*?)(?: \*/)?\n"
        r"(?:select .* from |update |call |\[)(\w+)\]?(?: where | set | |\n|;|$)(.*(?:\n\w+ = .*)*)",
        re.MULTILINE,
    )
    for _ in range(100):
        document = queries.queries(words, rng)
        tables = dict(re.findall(r"create table (\w+) \(((?:.|\n)*?)\);", document))
        for request, name, values in served.findall(document):
            assert name in tables, document
            for key, value in re.findall(r"(\w+) = ('.*?'|-?[\d.]+)(?:,? |;|\n|$)", values):
                assert re.search(rf"\b{key} (?:text|integer|real)", tables[name]), document
                assert value.strip("'").lower() in request.lower(), (request, values)
                seen["values"] += 1
            seen["requests"] += 1
    assert seen["requests"] > 500 and seen["values"] > 500


def test_plain_questions_are_not_the_held_out_requests():
    """Plain English shares turns of phrase, but hardly ever four words in a row."""

    def expand(template):
        found = CHOICE.search(template)
        if not found:
            return [template]
        ends = template[: found.start()], template[found.end() :]
        return [x for one in found[1].split("|") for x in expand(ends[0] + one + ends[1])]

    def phrases(text):
        runs = [re.findall("[a-z]+", part) for part in re.split(r"\{\w+\}", text.lower())]
        return {tuple(run[i : i + 4]) for run in runs for i in range(len(run) - 3)}

    tasks = [(task, "train") for of in tasks_of("train").values() for task in of]
    tasks += [(task, "unseen") for of in tasks_of("unseen").values() for task in of]
    held_out = {
        phrase
        for task, split in tasks
        for template in (task.requests if split == "unseen" else task.requests[-1:])
        for text in expand(template)
        for phrase in phrases(text)
    }
    assert len(held_out) > 200
    asked = [text for aspect in aspects.ASPECTS for text in (*aspect.docs, *aspect.asks)]
    asked += [*fields.REQUESTS, *fields.DESCRIPTIONS]
    shared = {" ".join(phrase) for text in asked for phrase in phrases(text) & held_out}
    assert shared <= {"what is the price", "is the price of", "the price of a",
                      "what is the temperature", "what is the number", "is the number of"}  # fmt: skip


def test_fields_are_words_of_the_vocabulary(words, tiny):
    """What belongs together can be learned only where each word is a token."""
    of_fields = {word for field in fields.FIELDS for word in field}
    assert len(of_fields) > 600
    assert all(len(tiny.encode_segment(word)) == 1 for word in of_fields)
    assert all(len(set(field)) == len(field) >= 4 for field in fields.FIELDS)


def test_requests_of_a_field_have_words_of_it(words):
    rng, other = random.Random(9), 0
    for _ in range(200):
        field = rng.choice(fields.FIELDS)
        function = manuals.draw_of_field(field, words, rng)
        said = {word.lower() for word in re.findall("[A-Za-z]+", function.description)}
        for request in function.action.asks:
            asked = {word.lower() for word in re.findall("[A-Za-z]+", request)}
            assert asked & {word.lower() for word in field}
            other += not asked & said & {word.lower() for word in field}
    assert other > 200, "most share no word with the description"


def test_functions_of_a_module_differ_and_are_near_each_other(words):
    rng, shared = random.Random(5), 0
    for _ in range(200):
        names = [function.name for function in modules.draw_functions(words, rng, 4)]
        assert len(set(names)) == 4
        parts = Counter(part for name in names for part in set(name.split("_")))
        shared += max(parts.values()) >= 2
    assert shared > 100


def test_lookups_hold_their_answers(words):
    rng = random.Random(6)
    for _ in range(50):
        first, second = lookups.echo(words, rng).split("\n")
        assert first == second
        first, second = lookups.underscores(words, rng).split("\n")
        assert first == second and first.count("_") >= 3
        half = lookups.repetition(words, rng)
        assert half[: len(half) // 2] == half[len(half) // 2 + 1 :]
        table, asked = lookups.table(words, rng).split("\n\n")
        assert len(asked.split("\n")) >= 3
        for line in asked.split("\n"):
            key = re.match("[a-z]+", line)[0]
            value = re.sub(r"^[a-z]+(?:: | = | -> | is |, | \| )'?", "", line).removesuffix("'")
            assert key in table and value in table, line


def test_contents_and_associations_ask_for_what_they_hold(words):
    rng = random.Random(8)
    for _ in range(50):
        separator = r" -> |: |  =>  | = |\n"
        names = [part.split("\n")[0] for part in re.split(separator, manuals.contents(words, rng))]
        names = [name for name in names if re.fullmatch(r"[a-z]+(?:_[a-z]+)*", name)]
        assert len(names) > len(set(names)) >= 1
        lines = lookups.association(words, rng).split("\n")
        known = {}
        for line in lines:
            given, belongs = re.fullmatch(r"(.*?)(?: = | -> | is |: |, | \| )(\w+)", line).groups()
            if belongs in known:
                assert known[belongs] & set(given.split())
            known.setdefault(belongs, set(given.split()))
        assert len(lines) == 3 * len(known)


def test_an_is_written_before_vowels(corpus):
    assert not re.search(r"^#.*\b[Aa] [aeiou]\w+ (?:with|for|of)\b", "\n".join(corpus), re.M)
    assert re.search(r"\ban [aeiou]", "\n".join(corpus))


def test_synonyms_and_plurals():
    assert [lexicon.plural(n) for n in ("city", "box", "leaf", "toy", "movie night")] == [
        "cities", "boxes", "leaves", "toys", "movie nights",
    ]  # fmt: skip
    assert all(len(pair) == 2 for pair in lexicon.SYNONYMS)
    assert len(set(lexicon.NOUNS)) == len(lexicon.NOUNS)


def test_words_of_chats_are_no_values(words):
    assert not text.CHAT_WORDS & set(words.names)
    assert len(words.lower) > 1000 and len(words.names) > 100


def test_resuming_goes_on_bit_by_bit(tmp_path):
    model = write_model(tmp_path / "model")
    flags = ["--max_steps", "6", "--tokens_per_step", "2000", "--save_steps", "3"]
    flags += ["--warmup_steps", "1"]

    def train(name, *more):
        folder = ["--model", str(model), "--output_dir", str(tmp_path / name)]
        assert pretrain.main([*folder, *flags, "--logging_steps", "1", *more]) == 0
        return (tmp_path / name / "model.safetensors").read_bytes()

    whole = train("whole")
    shutil.copytree(tmp_path / "whole", tmp_path / "part")
    (tmp_path / "part" / "model.safetensors").unlink()
    assert train("part", "--resume_from_checkpoint") == whole
    losses = [row["loss"] for row in read_metrics(tmp_path / "whole" / "metrics.jsonl").values()]
    assert losses[-1] < losses[0]


def test_another_course_goes_on_from_smaller_matrices(tmp_path, monkeypatch):
    """From the weights that are given, scaled once and not again when it is resumed, with the
    documents of the steps that follow."""
    first, steps = write_model(tmp_path / "first"), []
    flags = ["--model", str(first), "--init", "pretrained", "--shrink", "0.5"]
    flags += ["--first_step", "40", "--tokens_per_step", "500", "--save_steps", "1"]
    draw = pretrain.documents

    def watched(words, seed, step):
        steps.append(step)
        return draw(words, seed, step)

    monkeypatch.setattr(pretrain, "documents", watched)

    def train(name, *more):
        folder = tmp_path / name
        assert pretrain.main([*flags, "--output_dir", str(folder), *more]) == 0
        return folder

    still = train("still", "--max_steps", "1", "--learning_rate", "0", "--weight_decay", "0")
    given, made = (load_file(folder / "model.safetensors") for folder in (first, still))
    for name, weights in given.items():
        factor = 0.5 if "layers." in name and weights.dim() == 2 else 1.0
        torch.testing.assert_close(made[name].float(), factor * weights.float(), rtol=0.01, atol=0)
    whole = train("whole", "--max_steps", "2")
    shutil.copytree(whole, tmp_path / "part")
    (tmp_path / "part" / "model.safetensors").unlink()
    part = train("part", "--max_steps", "2", "--resume_from_checkpoint")
    assert (part / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert steps == [40, 40, 41, 41]


def test_the_rate_falls_behind_the_forming_steps():
    rates = [pretrain.rate_at(step, 100, 10, 40, 0.3, "cosine") for step in range(100)]
    assert rates[0] == 0 and rates[10:40] == [0.3] * 30
    assert rates[40] == pytest.approx(0.1) and rates[-1] < 0.001
    assert all(a > b for a, b in zip(rates[40:], rates[41:], strict=False))
