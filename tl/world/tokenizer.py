"""Makes the byte-level BPE of the tiny model from the world's texts: python -m tl.world.tokenizer

A word is the same token wherever it stands: in a tool's name, its description, a request, a call.
So a space never belongs to a word that means something; it is swallowed by the small words around
it. "flights from Paris" and "search_flights(origin = 'Paris')" share `flights` and `Paris`, and
what a small model has to learn is to find and to copy, not to spell. Digits stand alone.

Names fall apart behind their underscores: `search_`, `flights`. So a word says by itself whether
the name goes on: `book_` of `book_flight` is another token than `book`. With underscores that stand
alone a small model ends names too soon or too late (`review_tunnel_tunnel`).

The texts are those of the training split and of pre-training; unseen tools are not among them.
"""

import argparse
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from tl.calls.signature import render_tools
from tl.calls.write import format_call
from tl.world.datasets import make_trajectories
from tl.world.pretrain import manuals, modules
from tl.world.pretrain.curriculum import LOOKUPS, Stage
from tl.world.pretrain.documents import Words, draw_document
from tl.world.pretrain.fields import FIELDS
from tl.world.pretrain.lexicon import ACTIONS, ADJECTIVES, NOUNS, UNITS, plural
from tl.world.tools import FAMILIES, TOOLS
from tl.world.unseen import SEEN

TINY = Path(__file__).parent / "tiny"
VOCABULARY = 6144
BOS, EOS = "<s>", "</s>"
SMALL_WORDS = """a an and any are as at be by can do for from has have how i in is it me my not of
    on or that the this to was what when where which who will with you your""".split()
WORDS = (
    rf" ?(?:{'|'.join(sorted(SMALL_WORDS, key=len, reverse=True))})(?: |(?![\p{{L}}_]))"
    r"|\p{Ll}+_?"
    r"|\p{Lu}\p{Ll}+|\p{Lu}+(?!\p{Ll})|\p{L}"  # a name or an abbreviation
    r"|\p{N}"
    r"|\n\s*"
    r"| ?[^\s\p{L}\p{N}]+ ?"
    r"|\s"
)
# The documents among its texts: their shares are not those of the curriculum, which may change
# without changing the tokenizer.
MIXTURE = Stage(
    None, {manuals.manual: 24, manuals.contents: 10, modules.session: 10, **LOOKUPS}
)
TRAJECTORIES = 2000
DOCUMENTS = 8000
# How often each word, value and phrase is read besides, so that it becomes a whole token.
REPEATS = {"word": 200, "part": 100, "value": 300, "tool": 80, "phrase": 50}


def texts() -> Iterator[str]:
    """Trajectories of the training split; seen tools; the values of all slots; pre-training."""
    for trajectory in make_trajectories("train", TRAJECTORIES, seed=1):
        yield render_tools(trajectory.conversation.tools)
        for message in trajectory.conversation.messages:
            yield message.content or "\n".join(map(format_call, message.calls))
    yield from [render_tools([TOOLS[name] for name in SEEN])] * REPEATS["tool"]
    tasks = [task for family in FAMILIES.values() for task in family.tasks]
    pools = [pool for task in tasks for pool in task.pools.values()]
    for value in dict.fromkeys(f"'{value}'" for pool in pools for value in pool):
        yield from [value] * REPEATS["value"]
    yield from pretraining_texts()


def pretraining_texts() -> Iterator[str]:
    """The words of the pre-training text, and documents that are made of them."""
    nouns = [*NOUNS, *map(plural, NOUNS), *UNITS]
    fields = [word for field in FIELDS for word in field]
    for word in dict.fromkeys([*nouns, *ADJECTIVES, *fields]):
        yield from [word] * REPEATS["word"]
    verbs = [part for action in ACTIONS for name in action.names for part in name.split("_")]
    for word in dict.fromkeys([*verbs, *SMALL_WORDS, *nouns, *ADJECTIVES]):
        yield from [f"{word}_"] * REPEATS["part"]  # of a name that goes on
    for action in ACTIONS:
        for phrase in (*action.docs, *action.asks):
            yield from [phrase] * REPEATS["phrase"]
    rng, words = random.Random(1), Words(NOUNS + ADJECTIVES, ("Anna", "Berg", "Oslo"))
    for _ in range(DOCUMENTS):
        yield draw_document(words, rng, MIXTURE)


def build_tokenizer() -> str:
    """The text of tokenizer.json."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[BOS, EOS],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts(), trainer)
    return tokenizer.to_str()


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tl.world.tokenizer",
        description="Make the tokenizer of the tiny model from the world's texts.",
        allow_abbrev=False,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--output_dir", type=Path, default=TINY, help="where the two files go")
    directory = parser.parse_args(argv).output_dir
    directory.mkdir(parents=True, exist_ok=True)
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": BOS,
        "eos_token": EOS,
        "add_bos_token": True,
        "clean_up_tokenization_spaces": False,
        "model_max_length": 2048,
    }
    spec = build_tokenizer()
    _write(directory / "tokenizer.json", spec + "\n")
    _write(directory / "tokenizer_config.json", json.dumps(config, indent=2) + "\n")
    print(f"{len(json.loads(spec)['model']['vocab'])} tokens written to {directory}")
    return 0


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    sys.exit(main())
