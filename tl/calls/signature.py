'''Tools as Python signatures, the text that the model reads, and back.

    Function:
    def get_weather(city: string, days: integer = None):
        """
        The forecast for a city.

        Args:
        city (string): The city, in English.
        days (integer): How far ahead. Schema: {"default": 3, "maximum": 14}
        """

This is the text of the authors' mae.py (Junjie-Ye/TL-Training at 77c875a, code/mae/mae.py), to the
character, where a parameter has a type and a description only: required parameters first, in the
order of `required`; "Args:" also without arguments. Beyond it:

- A parameter without a type is `any`; a list of types is joined with " | ".
- The rest of a parameter's schema (enum, default, items, nested properties) stands behind its
  description, as `Schema: ` and JSON. The same for what the schema of the whole tool has besides
  `type`, `properties` and `required`, behind the tool's description; `additionalProperties: false`
  is left out, as a signature says it already.
- A description that ends like that by itself gets ` Schema: {}`, so that reading stays exact.
'''

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from tl import InputError
from tl.calls.schema import Tool

HEAD = "Function:\ndef "
INDENT = "\n    "
QUOTES = INDENT + '"""'
ARGS = "\n\n    Args:"
ANY = "any"
SCHEMA = " Schema: "
BETWEEN_TOOLS = re.compile(r'(?<=\n    """)\s*\n(?=Function:\ndef )')
# The README's signatures name Python's types where the Args lines have JSON's.
JSON_TYPES = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
}


def render_tools(tools: Sequence[Tool]) -> str:
    """The signatures of several tools, an empty line between them."""
    return "\n\n".join(map(render_tool, tools))


def render_tool(tool: Tool) -> str:
    """The signature of one tool; see the module docstring."""
    required = set(tool.required)
    signature, lines = [], []
    for name in tool.parameter_names:
        schema = tool.properties.get(name, {})
        kind = _type_text(schema)
        signature.append(f"{name}: {kind}" + ("" if name in required else " = None"))
        lines.append(f"{INDENT}{name} ({kind}): {_parameter_text(schema)}")
    description = _with_schema(tool.description, _tool_schema(tool))
    return (
        f"{HEAD}{tool.name}({', '.join(signature)}):{QUOTES}{INDENT}{description}"
        f"{ARGS}{''.join(lines)}{QUOTES}"
    )


def _type_text(schema: dict) -> str:
    kind = schema.get("type")
    if _is_type_list(kind):
        return " | ".join(kind)
    return kind if isinstance(kind, str) and kind else ANY


def _is_type_list(kind: Any) -> bool:
    return isinstance(kind, list) and bool(kind) and all(isinstance(k, str) and k for k in kind)


def _parameter_text(schema: dict) -> str:
    rest = {key: value for key, value in schema.items() if key not in ("type", "description")}
    if "type" in schema and not _type_is_text(schema["type"]):
        rest["type"] = schema["type"]
    description = schema.get("description")
    if not isinstance(description, str | None):
        rest["description"] = description
        description = ""
    return _with_schema(description or "", rest)


def _type_is_text(kind: Any) -> bool:
    return isinstance(kind, str) or _is_type_list(kind)


def _tool_schema(tool: Tool) -> dict:
    said = ("type", "properties", "required")
    rest = {key: value for key, value in tool.parameters.items() if key not in said}
    if rest.get("additionalProperties") is False:
        del rest["additionalProperties"]
    return rest


def _with_schema(description: str, rest: dict) -> str:
    if not rest and not (SCHEMA in description and description.endswith("}")):
        return description
    return description + SCHEMA + json.dumps(rest, ensure_ascii=False)


class _Parameter(NamedTuple):
    name: str
    kind: str
    optional: bool


def parse_tools(text: str) -> list[Tool]:
    """The tools of a text that `render_tools` or the authors' mae.py wrote, or of their README's
    variant (`slip_id:str`, no "Args:" without arguments, deeper indentation). No text: no tools.

    parse_tools(render_tools(tools)) == tools, with these as the normal form: `parameters` has
    exactly `type: object`, `properties` and `required` (each name once); each property has a `type`
    (unless it is any) and a `description` (perhaps empty). The text has no escapes: a description
    with a line of three quotes or with lines that look like "Args:" lines cannot be told apart.

    InputError, without a place, where the text is no list of tools.
    """
    text = text.strip("\n")
    if not text.strip():
        return []
    return [_parse_tool(block) for block in BETWEEN_TOOLS.split(text)]


def _parse_tool(block: str) -> Tool:
    opening = "):" + QUOTES
    head, found, body = block.partition(opening)
    name, bracket, signature = head.removeprefix(HEAD).partition("(")
    body = body.rstrip("\n")
    if not (head.startswith(HEAD) and found and name and bracket and body.endswith(QUOTES)):
        raise InputError(
            f"a tool reads {block[:60]!r}, expected 'Function:\\ndef name(...):' and a text "
            'between two lines of """'
        )
    parameters = _parse_signature(name, signature)
    description, documentation = _split_body(body.removesuffix(QUOTES), parameters)
    description, rest = _without_schema(description.removeprefix(INDENT))
    properties = _parse_documentation(documentation, parameters)
    required = [p.name for p in parameters if not p.optional]
    schema = {"type": "object", "properties": properties, "required": required}
    return Tool(name, description, schema | rest)


def _parse_signature(tool: str, signature: str) -> list[_Parameter]:
    pieces = []
    for piece in signature.split(",") if signature.strip() else []:
        if ":" in piece or not pieces:
            pieces.append(piece)
        else:  # a comma inside a type, as in Dict[str, int]
            pieces[-1] += "," + piece
    return [_parse_parameter(tool, piece.strip()) for piece in pieces]


def _parse_parameter(tool: str, piece: str) -> _Parameter:
    """`name: type`, `name:type`, both perhaps with ` = None`."""
    declared = re.sub(r"\s*=\s*None\Z", "", piece)
    name, colon, kind = declared.rpartition(": " if ": " in declared else ":")
    if not name or not colon or "=" in kind:
        raise InputError(
            f"tool {tool!r}: parameter {piece!r}, expected 'name: type' or 'name: type = None'"
        )
    return _Parameter(name, kind.strip(), optional=declared != piece)


def _split_body(body: str, parameters: list[_Parameter]) -> tuple[str, str]:
    """Description and Args lines, divided by the last "Args:" that the first parameter follows."""
    if not parameters:
        return body.removesuffix(ARGS), ""
    first = re.escape(parameters[0].name)
    headers = list(re.finditer(rf"\n\n +Args:(?=\n +{first} \()", body))
    if not headers:
        return body, ""
    return body[: headers[-1].start()], body[headers[-1].end() :]


def _parse_documentation(text: str, parameters: list[_Parameter]) -> dict[str, dict]:
    """The schema of each parameter, from its `name (type): description` lines."""
    starts, position = [], 0
    for parameter in parameters:
        line = _find_line(text, parameter, position)
        starts.append(line)
        position = line.end() if line else position
    properties = {}
    for number, (parameter, line) in enumerate(zip(parameters, starts, strict=True)):
        following = [s.start() for s in starts[number + 1 :] if s]
        end = following[0] if following else len(text)
        kind = line["kind"] if line else JSON_TYPES.get(parameter.kind, parameter.kind)
        properties[parameter.name] = _property(kind, text[line.end() : end] if line else "")
    return properties


def _find_line(text: str, parameter: _Parameter, position: int) -> re.Match | None:
    name = re.escape(parameter.name)
    for kind in (re.escape(parameter.kind), ".*?"):
        pattern = re.compile(rf"\n +{name} \((?P<kind>{kind})\): ?")
        if line := pattern.search(text, position):
            return line
    return None


def _property(kind: str, description: str) -> dict:
    description, rest = _without_schema(description)
    types = kind.split(" | ")
    typed = {} if kind == ANY else {"type": types if len(types) > 1 else kind}
    return typed | {"description": description} | rest


def _without_schema(description: str) -> tuple[str, dict]:
    """Take the ` Schema: {...}` off the end of a description."""
    start = description.find(SCHEMA)
    while start >= 0 and description.endswith("}"):
        try:
            rest = json.loads(description[start + len(SCHEMA) :])
        except (ValueError, RecursionError):  # those words are part of the description
            start = description.find(SCHEMA, start + 1)
        else:
            return description[:start], rest if isinstance(rest, dict) else {}
    return description, {}
