"""The records that every room shares: a tool, a call, a message, a conversation."""

from dataclasses import dataclass, field
from typing import Any

from tl import InputError

ROLES = ("system", "user", "assistant", "tool")


@dataclass(frozen=True)
class Tool:
    """A callable tool as the model sees it, equal to one entry of the OpenAI `tools` list.

    parameters: a JSON schema of type object: {"type": "object", "properties": {name: schema},
        "required": [name]}.
    """

    name: str
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def properties(self) -> dict[str, dict]:
        """Parameter name -> JSON schema, in the order of the schema."""
        return self.parameters.get("properties") or {}

    @property
    def required(self) -> list[str]:
        """Names of the parameters that a call must give."""
        return self.parameters.get("required") or []

    @property
    def parameter_names(self) -> list[str]:
        """Documented order, also of positional arguments: first the required, then the optional."""
        required = list(dict.fromkeys(self.required))
        return required + [name for name in self.properties if name not in set(required)]

    @classmethod
    def from_openai(cls, schema: Any) -> "Tool":
        """Read {"type": "function", "function": {...}} or the bare inner object.

        Raises InputError, without a place: the reader puts `file:record` in front.
        """
        function = schema.get("function", schema) if isinstance(schema, dict) else schema
        if not isinstance(function, dict):
            raise InputError(f"a tool is {_kind(function)}, expected an object with a name")
        name = function.get("name")
        if not isinstance(name, str) or not name:
            raise InputError(f"a tool has the name {name!r}, expected a non-empty string")
        description = function.get("description")
        if not isinstance(description, str | None):
            raise InputError(
                f"tool {name!r}: description is {_kind(description)}, expected a string"
            )
        parameters = function.get("parameters")
        if not isinstance(parameters, dict | None):
            raise InputError(
                f"tool {name!r}: parameters is {_kind(parameters)}, expected a JSON schema object"
            )
        return cls(name, description or "", _checked_parameters(name, parameters or {}))

    def to_openai(self) -> dict[str, Any]:
        """The inverse of `from_openai`, with an explicit (possibly empty) parameter schema."""
        parameters = {"type": "object", "properties": {}, "required": []} | self.parameters
        function = {"name": self.name, "description": self.description, "parameters": parameters}
        return {"type": "function", "function": function}


@dataclass(frozen=True)
class Call:
    """One tool call. `arguments` keeps its order; values are JSON values (None, bool, int, float,
    str, list, dict).

    positional: values given without a name, in order. Only model output has them; `compare` gives
    them the names of the tool's documented parameters.
    """

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    positional: tuple = ()


@dataclass(frozen=True)
class Message:
    """One turn.

    role: system | user | assistant | tool.
    content: the text; for a tool message the feedback of one call.
    calls: the calls of an assistant message. The k feedback messages that follow answer them in the
        same order; a call without feedback (`finish`, `ask_to_user`, the last call of a record) has
        none.
    trained: False for an assistant message that is context only (a record may say so; the authors'
        per-turn samples train the last reply alone).
    """

    role: str
    content: str = ""
    calls: tuple[Call, ...] = ()
    trained: bool = True


@dataclass(frozen=True)
class Conversation:
    """A trajectory: the tools on offer and the messages. source: "file:record", for errors."""

    id: str
    tools: tuple[Tool, ...]
    messages: tuple[Message, ...]
    source: str = ""


def feedback_after(messages: tuple[Message, ...], index: int) -> tuple[Message, ...]:
    """The tool messages that directly follow messages[index]: the feedback of its calls, in their
    order.
    """
    end = index + 1
    while end < len(messages) and messages[end].role == "tool":
        end += 1
    return messages[index + 1 : end]


def _checked_parameters(tool: str, parameters: dict) -> dict:
    properties, required = parameters.get("properties"), parameters.get("required")
    if not isinstance(properties, dict | None):
        raise InputError(
            f"tool {tool!r}: properties is {_kind(properties)}, expected an object of schemas"
        )
    for name, schema in (properties or {}).items():
        if not isinstance(schema, dict):
            raise InputError(
                f"tool {tool!r}: parameter {name!r} is {_kind(schema)}, expected a schema object"
            )
    if required is not None and not (
        isinstance(required, list) and all(isinstance(r, str) for r in required)
    ):
        raise InputError(
            f"tool {tool!r}: required is {required!r}, expected a list of parameter names"
        )
    return parameters


def _kind(value: Any) -> str:
    """The JSON word for a value's type, for error messages."""
    names = {
        dict: "an object",
        list: "a list",
        str: "a string",
        bool: "a boolean",
        int: "a number",
        float: "a number",
    }
    return "null" if value is None else names.get(type(value), type(value).__name__)
