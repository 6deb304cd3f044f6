"""How a Python function becomes a Tool: its name, annotations, defaults and docstring.

    def get_weather(city: str, days: int = 1) -> dict:
        '''The forecast for a city.            <- description

        Args:
            city: The city, in English.        <- description of each parameter
            days: How far ahead.

        Example:
            get_weather(city='Oslo', days=3)   <- a call that works
        '''

Nothing is registered anywhere: `public_functions` reads a module when asked.
"""

import inspect
from collections.abc import Callable
from types import FunctionType, ModuleType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from tl import InputError
from tl.calls.parse import parse_call
from tl.calls.schema import Call, Tool

JSON_TYPES = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    list: "array",
    dict: "object",
}
LAZY = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
SECTIONS = ("Args:", "Returns:", "Raises:", "Example:", "Examples:")


def public_functions(module: ModuleType) -> dict[str, FunctionType]:
    """The functions that a module itself defines, without a leading underscore, in their order."""
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, FunctionType)
        and value.__module__ == module.__name__
        and value.__name__ == name
        and not name.startswith("_")
    }


def describe(function: Callable) -> Tool:
    """The Tool that a function is.

    A parameter without a default is required; `X | None = None` is an optional X. InputError for
    an annotation that JSON has no type for, a parameter that cannot be given by name, or a function
    whose call only returns what would have to be awaited or iterated.
    """
    if any(is_kind(function) for is_kind in LAZY):
        raise InputError(
            f"tool {function.__name__!r}: is async or a generator, expected a plain function that "
            "returns its result; make it one, or let its name start with an underscore"
        )
    sections = _docstring_sections(function)
    descriptions = _argument_descriptions(sections.get("Args:", []))
    hints = _type_hints(function)
    properties, required = {}, []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise InputError(
                f"tool {function.__name__!r}: parameter {str(parameter)!r} cannot be given by "
                "name; tools take named parameters only"
            )
        kind = schema_of(hints.get(name, Any), f"tool {function.__name__!r}: parameter {name!r}")
        described = {"type": kind["type"]} if "type" in kind else {}
        described["description"] = descriptions.get(name, "")
        properties[name] = described | kind | _default(parameter)
        if parameter.default is parameter.empty:
            required.append(name)
    schema = {"type": "object", "properties": properties, "required": required}
    return Tool(function.__name__, " ".join(sections.get("", [])), schema)


def schema_of(annotation: Any, where: str = "a parameter") -> dict[str, Any]:
    """The JSON schema of a Python type; {} for Any."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if annotation is Any:
        return {}
    if isinstance(annotation, type) and annotation in JSON_TYPES:
        return {"type": JSON_TYPES[annotation]}
    if origin is Literal:
        return schema_of(type(inner[0]), where) | {"enum": list(inner)}
    if origin is list and inner:
        return {"type": "array", "items": schema_of(inner[0], where)}
    if origin in (list, dict):
        return {"type": JSON_TYPES[origin]}
    if is_typeddict(annotation):
        hints = get_type_hints(annotation)
        members = {name: schema_of(hint, where) for name, hint in hints.items()}
        required = [name for name in members if name in annotation.__required_keys__]
        return {"type": "object", "properties": members, "required": required}
    if origin in (Union, UnionType):
        kinds = [schema_of(kind, where) for kind in inner if kind is not type(None)]
        return kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    raise InputError(
        f"{where} is annotated {annotation!r}, expected str, int, float, bool, list, dict, "
        "Literal, TypedDict, or one of them | None"
    )


def examples(function: Callable) -> list[Call]:
    """The calls under "Example:" in the docstring, one per line."""
    return [parse_call(line) for line in _docstring_sections(function).get("Example:", [])]


def _type_hints(function: Callable) -> dict[str, Any]:
    try:
        return get_type_hints(function)
    except NameError as error:
        raise InputError(
            f"tool {function.__name__!r}: an annotation cannot be read: {error}"
        ) from error


def _default(parameter: inspect.Parameter) -> dict[str, Any]:
    return {} if parameter.default in (parameter.empty, None) else {"default": parameter.default}


def _docstring_sections(function: Callable) -> dict[str, list[str]]:
    """Section header ("" for what stands before any) -> its lines that are not empty."""
    sections, current = {"": []}, ""
    for line in (inspect.getdoc(function) or "").splitlines():
        if line.strip() in SECTIONS:
            current = line.strip()
            sections[current] = []
        elif line.strip():
            sections[current].append(line.strip())
    return sections


def _argument_descriptions(lines: list[str]) -> dict[str, str]:
    """`name: text` lines; any other line continues the one before."""
    descriptions, name = {}, ""
    for line in lines:
        head, colon, text = line.partition(": ")
        if colon and head.isidentifier():
            name, descriptions[head] = head, text
        elif name:
            descriptions[name] += " " + line
    return descriptions
