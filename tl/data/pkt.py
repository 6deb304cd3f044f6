"""PKT, prioritizing key tokens (paper section 4.2): which tokens of a tool's name decide between
the offered tools.

The names of the offered tools, tokenised as they stand in a reply, form a trie. The decisions fall
at its root and at its branching nodes, so for a called name the key positions are

    K = {0} + {L : L = length of the common prefix of the name's tokens with another tool's, L > 0}

and every token of K gets the weight clip(|NK| / |K|, 1, w_max) where NK are all other tokens of the
reply, the end of turn among them. If the whole name is a prefix of another tool's name, the token
right after it decides and is key.
"""

from collections.abc import Iterable, Sequence

from tl.data.tokenizer import Tokenizer

Ids = tuple[int, ...]


def common_prefix_length(left: Sequence[int], right: Sequence[int]) -> int:
    """Number of leading tokens that two sequences share."""
    length = 0
    for a, b in zip(left, right, strict=False):
        if a != b:
            break
        length += 1
    return length


def key_positions(name: Sequence[int], others: Iterable[Sequence[int]]) -> set[int]:
    """K, counted from the name's first token on. others: the other tools' names."""
    return {0} | {common_prefix_length(name, other) for other in others}


def key_weight(reply_tokens: int, key_tokens: int, max_weight: float) -> float:
    """clip(|NK| / |K|, 1, max_weight); reply_tokens: |NK| + |K|, the end of turn included."""
    return min(max((reply_tokens - key_tokens) / key_tokens, 1.0), max_weight)


class NameTokens:
    """How tool names are tokenised inside a reply; remembers what it has seen."""

    def __init__(self, tokenizer: Tokenizer):
        self._tokenizer = tokenizer
        self._known: dict[tuple[str, str, str], Ids] = {}

    def __call__(self, name: str, before: str, after: str = "(") -> Ids:
        """The tokens of `name` between the characters `before` and `after`.

        A space before the name belongs to it, as most tokenizers merge it with the first letters.
        """
        key = (before, name, after)
        if key not in self._known:
            ids, offsets = self._tokenizer.encode_segment_offsets(before + name + after)
            start = 0 if before == " " else len(before)
            first, last = token_range(offsets, start, len(before) + len(name))
            self._known[key] = tuple(ids[first:last])
        return self._known[key]


def token_range(offsets: Sequence[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
    """(first, last + 1) of the tokens that hold a character of text[start:end]; offsets: (start,
    end) per token.
    """
    inside = [i for i, (a, b) in enumerate(offsets) if a < end and b > start]
    return (inside[0], inside[-1] + 1) if inside else (0, 0)


def reply_key_tokens(
    text: str,
    name_span: tuple[int, int],
    offered: Iterable[str],
    names: NameTokens,
    tokenizer: Tokenizer,
) -> list[int]:
    """Key tokens of a reply, as positions in `tokenizer.encode_segment(text)`.

    name_span: (start, end) of the called name in text; offered: names of all tools on offer.
    """
    start, end = name_span
    before, after = text[start - 1 : start], text[end : end + 1]
    ids, offsets = tokenizer.encode_segment_offsets(text)
    first, last = token_range(offsets, start - (before == " "), end)
    others = [names(other, before, after) for other in offered if other != text[start:end]]
    # A space that is a token of its own decides nothing if all names have it: K starts behind it.
    space = token_range(offsets, start, end)[0] - first
    if all(other[:space] == tuple(ids[first : first + space]) for other in others):
        first, others = first + space, [other[space:] for other in others]
    return sorted(first + position for position in key_positions(ids[first:last], others))
