"""When a value differs from gold's but says the same: the "synonyms" of paper Table 1.

The paper says "filled parameter values are synonymous with standard values" and no more; people
judged. Here no person and no model does, so only likeness of form counts, and the share is a lower
bound: 'NYC' for 'New York' is not found. Two values say the same if

- they are equal without case, accents, punctuation, and number format: '4' and 4, 'Bar-Chart' and
  'bar chart', '1,200.0' and 1200, 'true' and True, '5th' and 5;
- one contains the other as whole words: 'Paris' and 'Paris, France', not 'art' and 'party';
- their words have the same stems, in any order, particles aside: 'the booked flights' and 'flight
  booking'; two words share a stem if their first letters agree in a run of at least four letters
  that leaves at most three of either;
- they are lists or objects of the same shape whose parts say the same.

A number never says the same as another number, a blank text nothing.
"""

import re
import unicodedata
from typing import Any

from tl.calls.compare import values_equal

PARTICLES = frozenset("a an the of in on at to for and or".split())
SHORTEST_STEM, LONGEST_ENDING = 4, 3
TOKEN = re.compile(r"(?:(?<!\w)-)?\d+(?:[.,]\d+)*|[^\W\d_]+")
ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b")
MAX_DEPTH, MAX_LENGTH = 50, 10_000


def says_the_same(predicted: Any, gold: Any, depth: int = 0) -> bool:
    """See the module docstring. Symmetric; equal values say the same."""
    if values_equal(predicted, gold):
        return True
    if depth > MAX_DEPTH:
        return False
    if isinstance(predicted, dict) and isinstance(gold, dict):
        return predicted.keys() == gold.keys() and all(
            says_the_same(predicted[key], gold[key], depth + 1) for key in gold
        )
    if isinstance(predicted, list | tuple) and isinstance(gold, list | tuple):
        if len(predicted) == len(gold):
            both = zip(predicted, gold, strict=True)
            return all(says_the_same(a, b, depth + 1) for a, b in both)
        return False
    if any(isinstance(value, dict | list | tuple) for value in (predicted, gold)):
        return _alone(predicted, gold, depth)
    if all(isinstance(value, int | float) for value in (predicted, gold)):
        return False
    return _texts_agree(words(predicted), words(gold))


def words(value: Any) -> list[str]:
    """The words and numbers of a value that is no list and no object, in their plain form."""
    text = unicodedata.normalize("NFKD", str(value)[:MAX_LENGTH]).casefold()
    text = ORDINAL.sub("", "".join(c for c in text if not unicodedata.combining(c)))
    return [word if word[0].isalpha() else _plain_number(word) for word in TOKEN.findall(text)]


def _alone(a: Any, b: Any, depth: int) -> bool:
    """A value and the list that has nothing else: 'Rome' and ['Rome']."""
    for one, other in ((a, b), (b, a)):
        if isinstance(one, list | tuple) and len(one) == 1:
            if not isinstance(other, list | tuple | dict):
                return says_the_same(one[0], other, depth + 1)
    return False


def _texts_agree(a: list[str], b: list[str]) -> bool:
    if not a or not b:
        return False
    if a == b or _within(a, b) or _within(b, a):
        return True
    if "".join(a) == "".join(b) and any(word.isalpha() for word in a):  # 'e-mail' and 'email'
        return True
    a, b = ([word for word in text if word not in PARTICLES] for text in (a, b))
    return _same_stems(a, b) or _same_stems(b, a)


def _within(part: list[str], whole: list[str]) -> bool:
    """Whether the words stand in `whole`, in one piece; a number alone is no part of anything."""
    if not any(word[0].isalpha() and word not in PARTICLES for word in part):
        return False
    size = len(part)
    return any(whole[start : start + size] == part for start in range(len(whole) - size + 1))


def _same_stems(a: list[str], b: list[str]) -> bool:
    """Whether each word finds its own partner, the first that is left."""
    rest = list(b)
    for word in a:
        partner = next((other for other in rest if _share_stem(word, other)), None)
        if partner is None:
            return False
        rest.remove(partner)
    return bool(a) and not rest


def _share_stem(a: str, b: str) -> bool:
    if a == b:
        return True
    if not (a[0].isalpha() and b[0].isalpha()):
        return False
    common = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
    common = min(len(a), len(b)) if common is None else common
    return common >= SHORTEST_STEM and max(len(a), len(b)) - common <= LONGEST_ENDING


def _plain_number(text: str) -> str:
    """'1,200.50' -> '1200.5': a comma groups thousands, zeros behind the point say nothing."""
    if re.fullmatch(r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?", text):
        sign, digits = text[: text[0] == "-"], text.lstrip("-").replace(",", "")
        whole, _, part = digits.partition(".")
        part = part.rstrip("0")
        return sign + (whole.lstrip("0") or "0") + (f".{part}" if part else "")
    return text
