"""Feedback texts: what goes back to the model after its reply."""

from tl.world.execute import GUESS

FEEDBACK_CHARACTERS = 4_000  # ToolEyes cuts at 1,024 tokens, four characters each
CUT = "... [cut, {} characters in all]"

# ToolEyes' words (Code/Inference/inference.py), said by the user there as here.
FORMAT_ERROR = (
    "Your output format does not match the specified format, please revise your answer to follow "
    "the desired format. The reply is no call: {error}."
)
NOBODY_ANSWERS = "I have no further information."  # where nobody answers `ask_to_user`


def clean(text: str) -> str:
    """Text that can be written as UTF-8: lone surrogates become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def shorten(text: str, limit: int = FEEDBACK_CHARACTERS) -> str:
    """At most `limit` characters, and a mark with the true length where something was cut."""
    mark = CUT.format(f"{len(text):,}")
    if len(text) <= limit:
        return text
    return (text[: max(0, limit - len(mark))] + mark)[:limit]


def words_of(exception: BaseException) -> str:
    """What an exception says, or its class where it says nothing, as `tl.world.World` feeds it
    back; its class as well where it cannot be printed.
    """
    try:
        text = GUESS.sub("", str(exception))
    except BaseException:  # a hostile __str__
        text = ""
    return text or type(exception).__name__


def undefined(name: str) -> str:
    """What Python says of a name that nothing is bound to."""
    return f"name '{name}' is not defined"


def positional_misuse(name: str, count: int) -> str:
    """What Python says where a function whose parameters are all keyword-only gets values without
    names.
    """
    verb = "was" if count == 1 else "were"
    return f"{name}() takes 0 positional arguments but {count} {verb} given"
