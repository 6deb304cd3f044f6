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
from typing import Any

from tl.calls.schema import Tool

HEAD = "Function:\ndef "
INDENT = "\n    "
QUOTES = INDENT + '"""'
ARGS = "\n\n    Args:"
ANY = "any"
SCHEMA = " Schema: "
SCHEMA_AT_END = re.compile(r" Schema: (\{.*\})\Z", re.DOTALL)


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
    if not rest and not SCHEMA_AT_END.search(description):
        return description
    return description + SCHEMA + json.dumps(rest, ensure_ascii=False)
