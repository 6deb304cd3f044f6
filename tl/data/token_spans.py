"""Where tokens lie in a text: characters, spans, and what no tokenizer can read."""

from collections.abc import Sequence

from tl import InputError

Span = tuple[int, int]


def check_text(text: str) -> str:
    """The text itself. Raises InputError if it holds half a surrogate pair, as broken JSON escapes
    leave it: no tokenizer has an encoding for it, and replacing it would change what is learned.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        bad, around = text[error.start], text[max(error.start - 20, 0) : error.start]
        raise InputError(
            f"a text holds the lone surrogate {bad!r} at character {error.start} (after "
            f"{around!r}), expected valid Unicode: repair the \\u escape in the data"
        ) from error
    return text


def cover(spans: Sequence[Span], length: int) -> list[Span]:
    """Make the (start, end) of tokens monotone, not empty, and covering all of [0, length).

    Tokenizers leave empty spans on all but one of the byte pieces of a character (they share the
    character here), and gaps where normalisation dropped or joined characters (they belong to the
    token in front here).
    """
    covered = []
    next_start = next_end = length
    for start, end in reversed(spans):
        start = min(start, next_start, length - 1)
        end = min(max(end, next_start), next_end)
        if start == end:
            end = next_end
        covered.append((start, end))
        next_start, next_end = start, end
    covered.reverse()
    if covered:
        covered[0] = (0, covered[0][1])
    return covered
