"""`--show_examples`: an example as the loss sees it, token by token.

    --- raw_data.json:1, 27 tokens, 9 of them learned
    <s>System: ... Assistant:⟦ get(9)_time(9)()</s>⟧
    Output: 12:00
    learned, id and token: 679 ' get' x9  29918 '_time' x9  580 '()'  2 </s>

Control tokens stand there by their names. What is learned is green in a terminal and in ⟦ ⟧
elsewhere; an end of turn that is learned but does not follow in the context, as the paper's, has ⏎
in front.
"""

import unicodedata
from collections.abc import Sequence

from tl.data.encode import Example, Reply
from tl.data.tokenizer import Tokenizer

RESET, DIM, LEARNED, KEY, ERROR = "\033[0m", "\033[2m", "\033[32m", "\033[1;33m", "\033[31m"
LEGEND = (
    f"{DIM}context{RESET}  {LEARNED}learned{RESET}  {KEY}key token(weight){RESET}  "
    f"{ERROR}reply that is not learned{RESET}"
)
PLAIN_LEGEND = "⟦learned⟧  key token(weight)  [not learned: why]"


def show(examples: list[Example], tokenizer: Tokenizer, color: bool) -> str:
    """All examples, below each other, and what the marks mean."""
    texts = [show_one(example, tokenizer, color) for example in examples]
    return "\n".join([*texts, LEGEND if color else PLAIN_LEGEND])


def show_one(example: Example, tokenizer: Tokenizer, color: bool) -> str:
    """The whole text, and below it every id that is learned."""
    source = _visible(example.source)
    head = f"--- {source}, {len(example)} tokens, {example.learned} of them learned"
    text, done = [], 0
    for reply in example.replies:
        text.append(_paint(_text(example, tokenizer, done, reply.start), DIM, color))
        shown, done = _reply(example, tokenizer, reply, color)
        text.append(shown)
    text.append(_paint(_text(example, tokenizer, done, len(example)), DIM, color))
    return "\n".join([head, "".join(text), *_ids(example, tokenizer)])


def _reply(example: Example, tokenizer: Tokenizer, reply: Reply, color: bool) -> tuple[str, int]:
    """A reply, and up to where it has been shown."""
    if not example.weights[reply.start - 1 : reply.end].any():
        why = f"[not learned: {reply.error.value if reply.error else 'context'}]"
        text = _text(example, tokenizer, reply.start, reply.end) + why
        return _paint(text, ERROR, color), reply.end
    painted, done = [], reply.start
    for key in reply.key_tokens:
        weight = f"({example.weights[key - 1].item():.3g})"
        painted.append(_paint(_text(example, tokenizer, done, key), LEARNED, color))
        painted.append(_paint(_text(example, tokenizer, key, key + 1) + weight, KEY, color))
        done = key + 1
    rest, done = _text(example, tokenizer, done, reply.end), reply.end
    if reply.end_of_turn is not None:
        follows = example.input_ids[done : done + 1].tolist() == [reply.end_of_turn]
        rest += ("" if follows else "⏎") + _tokens([reply.end_of_turn], tokenizer)
        done += follows
    text = "".join([*painted, _paint(rest, LEARNED, color)])
    return (text if color else f"⟦{text}⟧"), done


def _ids(example: Example, tokenizer: Tokenizer) -> list[str]:
    """A line for each run of positions at which something is learned: ids, tokens, weights."""
    lines, line, last = [], [], None
    for place in example.weights.nonzero().flatten().tolist():
        if last is not None and place != last + 1:
            lines.append(line)
            line = []
        target, weight = int(example.targets[place]), example.weights[place].item()
        times = "" if weight == 1 else f" x{weight:.3g}"
        line.append(f"{target} {_token(target, tokenizer)}{times}")
        last = place
    lines += [line] if line else []
    return [f"learned, id and token: {'  '.join(each)}" for each in lines]


def _token(token: int, tokenizer: Tokenizer) -> str:
    name = tokenizer.control_name(token)
    return _visible(name) if name is not None else repr(_visible(tokenizer.decode_segment([token])))


def _text(example: Example, tokenizer: Tokenizer, start: int, end: int) -> str:
    return _tokens(example.input_ids[start:end].tolist(), tokenizer)


def _tokens(ids: Sequence[int], tokenizer: Tokenizer) -> str:
    """The text of the ids, with control tokens by their names."""
    pieces, plain = [], []
    for token in [*ids, None]:
        name = None if token is None else tokenizer.control_name(token)
        if token is not None and name is None:
            plain.append(token)
            continue
        pieces += [tokenizer.decode_segment(plain)] if plain else []
        pieces += [name] if name is not None else []
        plain = []
    return _visible("".join(pieces))


def _visible(text: str) -> str:
    """Data must not steer the terminal: control and formatting characters become a box."""
    kept = "\n\t"
    return "".join(
        c if c in kept or unicodedata.category(c) not in ("Cc", "Cf") else "␦" for c in text
    )


def _paint(text: str, style: str, color: bool) -> str:
    return f"{style}{text}{RESET}" if color and text else text
