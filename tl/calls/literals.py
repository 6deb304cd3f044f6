"""Strings and numbers as Python and JSON write them, read one literal at a time.

Both readers take the text and the place of the first character, and return the value with the place
behind it. They decode what they see and execute nothing. Anything else is a `CallError`.
"""

import unicodedata

QUOTES = frozenset("'\"")
STRUCTURE = frozenset("()[]{},=;`") | QUOTES

# Longer literals are refused: Python itself turns no more than 4,300 digits into an int (or back).
MAX_DIGITS = 4_300
LARGEST_INT = 10**MAX_DIGITS
MAX_NUMBER_TEXT = 2 * MAX_DIGITS  # with an underscore between all digits

ESCAPES = {
    "\\": "\\",
    "'": "'",
    '"': '"',
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\n": "",  # a backslash before a line break joins the lines
}
HEX_ESCAPES = {"x": 2, "u": 4, "U": 8}
HEX_DIGITS = frozenset("0123456789abcdefABCDEF")
OCTAL_DIGITS = frozenset("01234567")
NUMBER_CHARACTERS = frozenset("0123456789._abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


class CallError(ValueError):
    """A text is no call, or not one that can be understood.

    kind: a short stable word (`no_call`, `bad_name`, `unterminated_string`, `bad_escape`,
        `string_prefix`, `bad_number`, `too_large`, `bad_value`, `bare_word`, `nested_call`,
        `bad_key`, `bad_arithmetic`, `too_deep`, `expected`, `unterminated_call`,
        `duplicate_argument`, `duplicate_key`, `positional_after_keyword`).
    message: what was found and what was expected. start, end: where, as a span of the text.
    """

    def __init__(self, kind: str, message: str, start: int, end: int):
        super().__init__(kind, message, start, end)
        self.kind, self.message, self.start, self.end = kind, message, start, end

    def __str__(self) -> str:
        return f"{self.message} (at character {self.start})"


def is_tool_name(name: str) -> bool:
    """A word with at least one letter, digit or underscore."""
    return end_of_word(name, 0) == len(name) and any(c.isalnum() or c == "_" for c in name)


def is_word(name: str) -> bool:
    """Whether a name can stand without quotes: no space and none of the characters that structure a
    call, nor a `#` in front, which starts a comment. Far more than Python's identifiers: `from`,
    `code:`, `2v_atadatem`, `Class.method`.
    """
    return bool(name) and name[0] != "#" and end_of_word(name, 0) == len(name)


def end_of_word(text: str, start: int) -> int:
    """The place behind the longest run from `start` without space and without structure."""
    end = start
    while end < len(text) and text[end] not in STRUCTURE and not text[end].isspace():
        end += 1
    return end


def read_number(text: str, start: int) -> tuple[int | float, int]:
    """Decimal, 0x, 0o and 0b integers, underscores between digits, floats. `1e999` is infinity, as
    in Python and in Python's json.
    """
    end = _end_of_number(text, start)
    word = text[start:end]
    if len(word) > MAX_NUMBER_TEXT:
        raise CallError("too_large", f"a number of {len(word)} characters", start, end)
    based = word[:2].lower() in ("0x", "0o", "0b")
    try:
        value = float(word) if not based and set(word) & set(".eE") else int(word, 0)
    except ValueError:
        raise CallError("bad_number", f"{word[:40]!r} is no number", start, end) from None
    if isinstance(value, int) and value >= LARGEST_INT:
        raise CallError("too_large", f"an integer of more than {MAX_DIGITS} digits", start, end)
    return value, end


def _end_of_number(text: str, start: int) -> int:
    based = text[start : start + 2].lower() in ("0x", "0o", "0b")
    end = start
    while end < len(text):
        exponent_sign = text[end] in "+-" and text[end - 1] in "eE" and not based and end > start
        if text[end] not in NUMBER_CHARACTERS and not exponent_sign:
            break
        end += 1
    return end


def read_string(text: str, start: int, raw: bool = False) -> tuple[str, int]:
    """One string literal; text[start] is its first quote: ', \", or three of either.

    A line break may stand in any of them: models write it, and it can mean only one thing.
    raw: backslashes are kept (`r'...'`).
    """
    quote = text[start]
    fence = quote * 3 if text.startswith(quote * 3, start) else quote
    pieces = []
    position = start + len(fence)
    while not text.startswith(fence, position):
        if position >= len(text):
            raise CallError("unterminated_string", "a string has no end", start, len(text))
        if text[position] == "\\":
            piece, position = _backslash(text, position, quote, raw, start)
        else:
            stop = _end_of_plain(text, position, quote)
            piece, position = text[position:stop], stop
        pieces.append(piece)
    return "".join(pieces), position + len(fence)


def _end_of_plain(text: str, start: int, quote: str) -> int:
    """The place of the next backslash or quote; at least one character further."""
    end = start + 1
    while end < len(text) and text[end] not in ("\\", quote):
        end += 1
    return end


def _backslash(text: str, start: int, quote: str, raw: bool, string: int) -> tuple[str, int]:
    """Decode the escape at `start`; `string` is where its string starts."""
    if start + 1 >= len(text):
        raise CallError("unterminated_string", "a string has no end", string, len(text))
    letter = text[start + 1]
    if raw:
        return text[start : start + 2], start + 2
    if letter in ESCAPES:
        return ESCAPES[letter], start + 2
    if letter in HEX_ESCAPES:
        return _hex_escape(text, start)
    if letter in OCTAL_DIGITS:
        end = start + 2
        while end < start + 4 and text[end : end + 1] in OCTAL_DIGITS:
            end += 1
        return chr(int(text[start + 1 : end], 8)), end
    if letter == "N":
        return _named_escape(text, start)
    if letter == "/" and quote == '"':  # JSON's; Python keeps the backslash
        return "/", start + 2
    return "\\" + letter, start + 2  # unknown: kept, as Python does


def _hex_escape(text: str, start: int) -> tuple[str, int]:
    r"""\xHH, \uXXXX, \UXXXXXXXX; the two halves of a surrogate pair give one character (JSON)."""
    code, end = _hex_code(text, start)
    if 0xD800 <= code < 0xDC00 and text.startswith("\\u", end) and _is_low_half(text, end):
        low, end = _hex_code(text, end)
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
    return chr(code), end


def _hex_code(text: str, start: int) -> tuple[int, int]:
    end = start + 2 + HEX_ESCAPES[text[start + 1]]
    digits = text[start + 2 : end]
    if end > len(text) or not HEX_DIGITS.issuperset(digits) or int(digits, 16) > 0x10FFFF:
        raise _bad_escape(text, start, end)
    return int(digits, 16), end


def _is_low_half(text: str, start: int) -> bool:
    digits = text[start + 2 : start + 6]
    return len(digits) == 4 and HEX_DIGITS.issuperset(digits) and 0xDC00 <= int(digits, 16) < 0xE000


def _named_escape(text: str, start: int) -> tuple[str, int]:
    r"""\N{LATIN SMALL LETTER A}."""
    close = text.find("}", start, start + 100)
    name = text[start + 3 : close] if text[start + 2 : start + 3] == "{" and close > 0 else ""
    try:
        return unicodedata.lookup(name), close + 1
    except KeyError:
        raise _bad_escape(text, start, start + 2) from None


def _bad_escape(text: str, start: int, end: int) -> CallError:
    end = min(end, len(text))
    return CallError("bad_escape", f"{text[start:end]!r} is no complete escape", start, end)
