"""A file of trajectories as examples, with an account of everything that was read and left out."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tl import InputError
from tl.calls.schema import Conversation
from tl.data.conversation import read_conversations
from tl.data.encode import Encoder, Example

Progress = Callable[[Iterable[Conversation]], Iterable[Conversation]]


@dataclass
class Dataset:
    """The examples of one file.

    silent: trajectories in which nothing is learned (all replies erroneous or context only).
    skipped: one message for each record that was left out (`--on_bad_record skip`).
    readings: how many times the examples hold each trajectory (`rereading.reread`).
    """

    path: Path
    examples: list[Example] = field(default_factory=list)
    silent: int = 0
    skipped: list[str] = field(default_factory=list)
    readings: int = 1

    @property
    def lengths(self) -> list[int]:
        """Tokens of each example."""
        return [len(example) for example in self.examples]

    def digest(self) -> str:
        """A short fingerprint of everything that is learned: ids, targets and weights, in order."""
        sha = hashlib.sha256()
        for example in self.examples:
            for tensor in (example.input_ids, example.targets, example.weights):
                sha.update(tensor.numpy().tobytes())
        return sha.hexdigest()[:16]

    def summary(self) -> list[str]:
        """What is learned and what is not, in lines for a terminal; none if nothing was read."""
        if not self.examples:
            return []
        replies = [reply for example in self.examples for reply in example.replies]
        learned = sum(example.learned for example in self.examples)
        tokens = sum(self.lengths)
        keys = sum(int(example.key_mask.sum()) for example in self.examples)
        errors = Counter(reply.error.value for reply in replies if reply.error)
        kinds = ", ".join(f"{name} {count}" for name, count in errors.most_common())
        lines = [
            f"{self.path}: {len(self.examples) // self.readings:,} trajectories"
            + (f", read {self.readings} times" if self.readings > 1 else "")
            + f", {tokens:,} tokens, longest {max(self.lengths, default=0):,}",
            f"  replies {len(replies):,}, of them erroneous {sum(errors.values()):,}"
            + (f" ({kinds})" if kinds else ""),
            f"  tokens learned {learned:,} ({learned / max(tokens, 1):.1%}), key tokens {keys:,}",
        ]
        if self.silent:
            lines.append(f"  left out, nothing to learn in them: {self.silent:,} trajectories")
        if self.skipped:
            lines.append(f"  left out, not usable: {len(self.skipped):,} records, first:")
            lines.append(f"    {self.skipped[0]}")
        return lines


def check_vocabulary(examples: list[Example], eos_id: int, vocab_size: int, source: Path) -> None:
    """Every id that occurs must have a row in the embedding; source: the model directory."""
    learned = (int(example.targets.max()) for example in examples)
    largest = max([eos_id, *learned, *(int(example.input_ids.max()) for example in examples)])
    if largest >= vocab_size:
        raise InputError(
            f"{source}: the tokenizer writes the token id {largest}, expected ids below the "
            f"vocab_size {vocab_size} of config.json; use the tokenizer of this model"
        )


def load_dataset(
    path: str | Path, encoder: Encoder, on_bad_record: str = "error", progress: Progress = iter
) -> Dataset:
    """Read and encode a file; its decoded supervised spans are checked against the replies.

    on_bad_record: "error" raises InputError at the first record that cannot be used (malformed,
        too long, not tokenisable); "skip" leaves it out and keeps the message.
    Raises InputError if nothing is left to learn.
    """
    assert on_bad_record in ("error", "skip"), on_bad_record
    dataset = Dataset(Path(path))
    skip = None
    if on_bad_record == "skip":

        def skip(error: InputError) -> None:
            dataset.skipped.append(str(error))

    for example in _encoded(progress(read_conversations(path, skip)), encoder, skip):
        if example.weights.any():
            dataset.examples.append(example)
        else:
            dataset.silent += 1
    if not dataset.examples:
        left_out = f"; the first one skipped: {dataset.skipped[0]}" if dataset.skipped else ""
        raise InputError(
            f"{path}: nothing to learn: {dataset.silent} trajectories without a trained reply, "
            f"{len(dataset.skipped)} records skipped{left_out}"
        )
    return dataset


def _encoded(
    conversations: Iterable[Conversation], encoder: Encoder, skip: Callable | None
) -> Iterator[Example]:
    for conversation in conversations:
        try:
            yield encoder(conversation)
        except InputError as error:
            if skip is None:
                raise
            skip(error)
