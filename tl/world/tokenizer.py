"""Makes the byte-level BPE of the tiny model from the world's texts: python -m tl.world.tokenizer

Words are cut so that a value is the same tokens wherever it stands: a space belongs to a lower-case
word that follows, never to a name or a number. "to Paris" and "'Paris'" share the token `Paris`,
and what a small model has to learn is to copy, not to spell. Digits stand alone. Tool names fall
apart at their underscores: `search`, `_`, `flights`.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from tl.calls.signature import render_tools
from tl.calls.write import format_call
from tl.world.datasets import make_trajectories
from tl.world.tools import FAMILIES, TOOLS

TINY = Path(__file__).parent / "tiny"
VOCABULARY = 2048
BOS, EOS = "<s>", "</s>"
WORDS = (
    r" ?\p{Ll}+"  # a lower-case word, with its space
    r"|\p{Lu}\p{Ll}+|\p{Lu}+(?!\p{Ll})|\p{L}"  # a name or an abbreviation, without
    r"|\p{N}"
    r"|\n\s*"
    r"| ?[^\s\p{L}\p{N}]+"
    r"|\s"
)
TRAJECTORIES = 2000
# How often each tool and each value is read besides, so that their words become whole tokens.
REPEATS = 80


def texts() -> Iterator[str]:
    """Tools, requests, calls and feedback of trajectories; all tools; the values of all slots."""
    for trajectory in make_trajectories("train", TRAJECTORIES, seed=1):
        yield render_tools(trajectory.conversation.tools)
        for message in trajectory.conversation.messages:
            yield message.content or "\n".join(map(format_call, message.calls))
    tasks = [task for family in FAMILIES.values() for task in family.tasks]
    pools = [pool for task in tasks for pool in task.pools.values()]
    values = dict.fromkeys(f"'{value}'" for pool in pools for value in pool)
    for text in (render_tools(list(TOOLS.values())), *values):
        yield from [text] * REPEATS


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
