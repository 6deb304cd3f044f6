"""`--show_examples`: an example as the loss sees it, coloured for a terminal."""

import unicodedata

from tl.data.encode import Example, Reply
from tl.data.tokenizer import Tokenizer

RESET, DIM, LEARNED, KEY, ERROR = "\033[0m", "\033[2m", "\033[32m", "\033[1;33m", "\033[31m"
LEGEND = (
    f"{DIM}context{RESET}  {LEARNED}learned{RESET}  {KEY}key token(weight){RESET}  "
    f"{ERROR}reply that is not learned{RESET}"
)


def show(examples: list[Example], tokenizer: Tokenizer, color: bool) -> str:
    """All examples, below each other, and what the colours mean."""
    texts = [show_one(example, tokenizer, color) for example in examples]
    return "\n".join([*texts, LEGEND] if color else texts)


def show_one(example: Example, tokenizer: Tokenizer, color: bool) -> str:
    """The whole text; a key token is followed by its weight, a learned end of turn is ⏎."""
    pieces = [f"--- {_visible(example.source)}, {len(example)} tokens"]
    text, done = [], 0
    for reply in example.replies:
        text.append(_paint(_decode(example, tokenizer, done, reply.start), DIM, color))
        text += _reply(example, tokenizer, reply, color)
        done = reply.end
    text.append(_paint(_decode(example, tokenizer, done, len(example)), DIM, color))
    return "\n".join([*pieces, "".join(text)])


def _reply(example: Example, tokenizer: Tokenizer, reply: Reply, color: bool) -> list[str]:
    learned = example.weights[reply.start - 1 : reply.end].any()
    if not learned:
        why = f"[not learned: {reply.error.value if reply.error else 'context'}]"
        return [_paint(_decode(example, tokenizer, reply.start, reply.end) + why, ERROR, color)]
    painted, done = [], reply.start
    for key in reply.key_tokens:
        weight = f"({example.weights[key - 1].item():.3g})"
        painted.append(_paint(_decode(example, tokenizer, done, key), LEARNED, color))
        painted.append(_paint(_decode(example, tokenizer, key, key + 1) + weight, KEY, color))
        done = key + 1
    painted.append(_paint(_decode(example, tokenizer, done, reply.end) + "⏎", LEARNED, color))
    return painted


def _decode(example: Example, tokenizer: Tokenizer, start: int, end: int) -> str:
    ids = example.input_ids[start:end].tolist()
    if ids and start == 0 and ids[0] == tokenizer.bos_id:
        ids = ids[1:]
    return _visible(tokenizer.decode_segment(ids)) if ids else ""


def _visible(text: str) -> str:
    """Data must not steer the terminal: control and formatting characters become a box."""
    kept = "\n\t"
    return "".join(
        c if c in kept or unicodedata.category(c) not in ("Cc", "Cf") else "␦" for c in text
    )


def _paint(text: str, style: str, color: bool) -> str:
    return f"{style}{text}{RESET}" if color and text else text
