"""How a model family writes tools, calls and feedback: `get_dialect(name)`."""

from tl import InputError
from tl.dialects.codellama import CodeLlama
from tl.dialects.segment import Dialect

DIALECTS: dict[str, type[Dialect]] = {"codellama": CodeLlama}


def get_dialect(name: str) -> Dialect:
    """The dialect of that name. Raises InputError with the list of known names."""
    if name not in DIALECTS:
        raise InputError(f"--dialect {name}: unknown, expected one of: {', '.join(DIALECTS)}")
    return DIALECTS[name]()
