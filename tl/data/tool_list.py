"""The tools of a record: OpenAI schemas, cleaned of what exports add and checked for what would get
lost.

Exports through the datasets library have every key in every record, with null where a record has
none. So a member that is null is absent, in a tool and in its schemas; a `default` or `const` of
null says something and stays. A property that is `true` may be anything, as {} (JSON schema).
"""

from collections.abc import Iterable
from typing import Any

from tl import InputError
from tl.calls.schema import Tool
from tl.data.fields import at, describe
from tl.data.strict_json import read_json

NULL_SAYS_SOMETHING = ("default", "const")
ONE_SCHEMA = ("items", "additionalProperties")
LIST_OF_SCHEMAS = ("anyOf", "oneOf", "allOf")


def read_tools(value: Any) -> tuple[Tool, ...]:
    """A list of tool schemas, or that list's JSON text; null and blank text are no tools. A tool
    that is listed twice with the same schema counts once; InputError where the schemas differ.
    """
    if isinstance(value, str):
        value = read_json(value) if value.strip() else None
    if value is None:
        return ()
    if not isinstance(value, list):
        raise InputError(f"{describe(value)}, expected a list of tools")
    tools = []
    for number, schema in enumerate(value):
        with at(f"tool {number}"):
            tools.append(_tool(schema))
    return merge_tools(tools)


def merge_tools(tools: Iterable[Tool]) -> tuple[Tool, ...]:
    """Each tool once, in the order of first appearance."""
    found: dict[str, Tool] = {}
    for tool in tools:
        if found.setdefault(tool.name, tool) != tool:
            raise InputError(
                f"the tool {tool.name!r} is listed twice with different schemas; keep one of them"
            )
    return tuple(found.values())


def _tool(schema: Any) -> Tool:
    if not isinstance(schema, dict):
        raise InputError(f"{describe(schema)}, expected an object with a name")
    function = _present(schema).get("function", schema)
    if not isinstance(function, dict):
        return Tool.from_openai(schema)  # which says what is wrong
    function = _present(function)
    parameters = function.get("parameters")
    if isinstance(parameters, dict):
        function["parameters"] = _without_nulls(parameters)
    tool = Tool.from_openai(function)
    _check_nothing_is_lost(tool, function)
    return tool


def _check_nothing_is_lost(tool: Tool, function: dict) -> None:
    """Parameters written in another style would be no parameters."""
    if "parameters" not in function and "input_schema" in function:
        raise InputError(
            f"{tool.name!r} has 'input_schema', expected its schema as 'parameters'; rename it"
        )
    schema = tool.parameters
    if "properties" in schema or schema.get("type") == "object":
        return
    bare = [k for k, v in schema.items() if isinstance(v, dict) and not k.startswith("$")]
    if bare:
        raise InputError(
            f"the parameters of {tool.name!r} have the keys {bare[:8]}, expected a JSON schema; "
            'write {"type": "object", "properties": {...}} around them'
        )


def _present(members: dict) -> dict:
    return {key: value for key, value in members.items() if value is not None}


def _without_nulls(schema: Any) -> Any:
    """A JSON schema without its members that are null, those of schemas inside it included."""
    if not isinstance(schema, dict):
        return schema
    kept = {k: v for k, v in schema.items() if v is not None or k in NULL_SAYS_SOMETHING}
    for key in ONE_SCHEMA:
        if key in kept:
            kept[key] = _without_nulls(kept[key])
    for key in LIST_OF_SCHEMAS:
        if isinstance(kept.get(key), list):
            kept[key] = [_without_nulls(item) for item in kept[key]]
    if isinstance(kept.get("properties"), dict):
        kept["properties"] = {
            name: {} if inner is True else _without_nulls(inner)
            for name, inner in _present(kept["properties"]).items()
        }
    return kept
