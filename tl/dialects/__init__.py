"""How a model family writes tools, calls and feedback: `get_dialect(name, directory)`."""

from collections.abc import Callable
from pathlib import Path

from tl import InputError
from tl.dialects import auto
from tl.dialects.chat_template import ChatTemplate
from tl.dialects.codellama import CodeLlama
from tl.dialects.glm4 import Glm4
from tl.dialects.hermes import Hermes
from tl.dialects.llama3 import Llama3
from tl.dialects.openai import OpenAI
from tl.dialects.raven import Raven
from tl.dialects.react import QwenReact, React
from tl.dialects.segment import Dialect

AUTO = "auto"
FIXED: dict[str, Callable[[], Dialect]] = {
    kind.name: kind
    for kind in (CodeLlama, React, Raven, Glm4, QwenReact, Llama3, Hermes, OpenAI)
}
DIALECTS = (*FIXED, ChatTemplate.name, AUTO)  # what --dialect takes


def get_dialect(name: str, directory: str | Path | None = None) -> Dialect:
    """The dialect of that name. directory: of the model, which `chat_template` and `auto` read.

    InputError, with the list of known names, for an unknown one, or if `chat_template` finds none.
    """
    if name == AUTO:
        name = auto.choose(directory, (*FIXED, ChatTemplate.name))
    if name in FIXED:
        return FIXED[name]()
    if name != ChatTemplate.name:
        raise InputError(f"--dialect {name}: unknown, expected one of: {', '.join(DIALECTS)}")
    if directory is None:
        raise InputError(
            f"--dialect {name}: reads the template of a model, but no --model was given"
        )
    return ChatTemplate(directory)
