"""Tools as signatures: the authors' text to the character, and back without loss."""

import json

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from tests.shared import shared
from tests.strategies.calls import tools
from tl import InputError
from tl.calls.schema import Tool
from tl.calls.signature import parse_tools, render_tool, render_tools


def authors_text(func: dict) -> str:
    """mae.py's codellama_process, restated for one tool (code/mae/mae.py:65-103 at 77c875a)."""
    parameters = func["parameters"]
    properties, required = parameters["properties"], parameters["required"]
    optional = [p for p in properties if p not in required]
    signature = [f"{p}: {properties[p]['type']}" for p in required]
    signature += [f"{p}: {properties[p]['type']} = None" for p in optional]
    text = "Function:\ndef " + func["name"] + "(" + ", ".join(signature) + '):\n    """\n    '
    text += func["description"] + "\n\n    Args:"
    for p in required + optional:
        text += "\n    " + p + " (" + properties[p]["type"] + "): " + properties[p]["description"]
    return text + '\n    """'


def shared_tools() -> list[dict]:
    """Every distinct tool of the training data, RoTBench and ToolEyes that mae.py can render."""
    found = []
    for record in json.loads(shared("data/train/bfcl_multi_turn_raw.json").read_text())[::7]:
        found += [t["function"] for t in json.loads(record["conversations"][0]["content"])]
    for path in sorted(shared("data/rotbench/Data").rglob("*.json")):
        for item in json.loads(path.read_text()):
            text = item["conversations"][0]["value"]
            found += json.loads(text[text.find("[") : -13])
    for path in sorted(shared("data/tooleyes/Tool_Library").rglob("config_gpt4.json")):
        found += json.loads(path.read_text())
    return list({json.dumps(tool): tool for tool in found}.values())


def is_plain(function: dict) -> bool:
    """mae.py needs type, description and required; more than these it would lose."""
    parameters = function.get("parameters", {})
    properties = parameters.get("properties", {})
    return (
        isinstance(function.get("description"), str)
        and "required" in parameters
        and set(parameters["required"]) <= set(properties)
        and len(set(parameters["required"])) == len(parameters["required"])
        and all(set(schema) == {"type", "description"} for schema in properties.values())
    )


def test_the_authors_text_and_back_on_all_shared_tools():
    plain = [function for function in shared_tools() if is_plain(function)]
    assert len(plain) > 3_000
    for function in plain:
        tool = Tool.from_openai(function)
        assert render_tool(tool) == authors_text(function)
        (again,) = parse_tools(render_tool(tool))
        assert again == normal(tool)


def normal(tool: Tool) -> Tool:
    """The normal form that parse_tools promises."""
    properties = {}
    for name in tool.parameter_names:
        schema = {"description": ""} | tool.properties.get(name, {})
        properties[name] = {k: v for k, v in schema.items() if (k, v) != ("type", "any")}
    required = list(dict.fromkeys(tool.required))
    schema = {"type": "object", "properties": properties, "required": required}
    rest = {k: v for k, v in tool.parameters.items() if k not in schema}
    if rest.get("additionalProperties") is False:
        del rest["additionalProperties"]
    return Tool(tool.name, tool.description, schema | rest)


def test_tau_tools_keep_their_whole_schema():
    lines = shared("data/train/tau_airline_messages.jsonl").read_text().split("\n")
    offered = [Tool.from_openai(tool) for tool in json.loads(lines[0])["tools"]]
    assert any("enum" in s for tool in offered for s in tool.properties.values())
    assert parse_tools(render_tools(offered)) == [normal(tool) for tool in offered]


@given(st.lists(tools(), max_size=3))
def test_round_trip(offered):
    assert parse_tools(render_tools(offered)) == offered


@given(tools())
def test_rendering_is_stable(tool):
    (again,) = parse_tools(render_tool(tool) + "\n\n")
    assert render_tool(again) == render_tool(tool)


def test_strategy_reaches_its_cases():
    quick = settings(phases=[Phase.generate], max_examples=3_000)
    find(
        tools(),
        lambda t: any("\n" in s["description"] for s in t.properties.values()),
        settings=quick,
    )
    find(tools(), lambda t: "code:" in t.properties and t.required, settings=quick)
    find(tools(), lambda t: any("enum" in s for s in t.properties.values()), settings=quick)
    find(tools(), lambda t: "Schema: {" in t.description, settings=quick)


def test_what_a_reader_sees():
    schema = {
        "type": "object",
        "properties": {
            "days": {"type": "integer", "description": "How far.", "default": 3, "maximum": 14},
            "city": {"type": ["string", "null"], "description": "Which."},
            "mode": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        },
        "required": ["city", "undocumented"],
        "additionalProperties": False,
    }
    expected = '''Function:
def weather(city: string | null, undocumented: any, days: integer = None, mode: any = None):
    """
    The forecast.

    Args:
    city (string | null): Which.
    undocumented (any): 
    days (integer): How far. Schema: {"default": 3, "maximum": 14}
    mode (any):  Schema: {"anyOf": [{"type": "string"}, {"type": "integer"}]}
    """'''  # noqa: W291
    assert render_tool(Tool("weather", "The forecast.", schema)) == expected


def test_a_tool_without_arguments_is_table_13():
    expected = (
        'Function:\ndef random_advice():\n    """\n    Returns a random advice slip as a slip '
        'object.\n\n    Args:\n    """'
    )
    tool = Tool("random_advice", "Returns a random advice slip as a slip object.")
    assert render_tool(tool) == expected


README = (
    'Function:\ndef random_advice():\n    """\n    Returns a random advice slip.\n    """\n\n'
    'Function:\ndef advice_by_id(slip_id:str):\n    """\n    The slip of {slip_id}.\n\n'
    '    Args:\n        slip_id (string): The unique ID.\n    """\n\n'
    'Function:\ndef undocumented(a:int, b:list = None):\n    """\n    Text.\n    """\n\n'
)


def test_the_readme_variant():
    first, second, third = parse_tools(README)
    assert first == normal(Tool("random_advice", "Returns a random advice slip."))
    assert second.properties == {"slip_id": {"type": "string", "description": "The unique ID."}}
    assert second.required == ["slip_id"] and second.description == "The slip of {slip_id}."
    assert third.properties == {
        "a": {"type": "integer", "description": ""},
        "b": {"type": "array", "description": ""},
    }
    assert third.required == ["a"]


def test_types_with_commas_and_lines_that_look_like_arguments():
    text = (
        'Function:\ndef f(a: Dict[str, int], b: string, c: string = None):\n    """\n    One.\n\n'
        "    Args:\n    not these\n\n    Args:\n    a (Dict[str, int]): c (string): d\n"
        '    c (string): more\n    b (string): e\n    c (string): f\n    """'
    )
    (tool,) = parse_tools(text)
    assert tool.description == "One.\n\n    Args:\n    not these"
    assert tool.properties["a"] == {
        "type": "Dict[str, int]",
        "description": "c (string): d\n    c (string): more",
    }
    assert [tool.properties[name]["description"] for name in "bc"] == ["e", "f"]
    undocumented = 'Function:\ndef f(a: Dict[str, int], b: int):\n    """\n    One.\n    """'
    assert parse_tools(undocumented)[0].properties["a"]["type"] == "Dict[str, int]"


def test_no_tools():
    assert parse_tools("") == parse_tools(" \n") == [] and render_tools([]) == ""


NO_TOOL_LISTS = [
    "You are a helpful assistant.",
    "[]",
    "Function:\n",
    "Function:\ndef f",
    "Function:\ndef f():",
    'Function:\ndef f():\n    """\n    open',
    'Function:\ndef ():\n    """\n    d\n    """',
    'Function:\ndef f(a):\n    """\n    d\n    """',
    'Function:\ndef f(a: int = 3):\n    """\n    d\n    """',
    'Hello.\n\nFunction:\ndef f():\n    """\n    d\n    """',
    'Function:\ndef f():\n    """\n    d\n    """\n\nGood luck!',
]


@pytest.mark.parametrize("text", NO_TOOL_LISTS)
def test_texts_that_are_no_tool_list(text):
    with pytest.raises(InputError) as caught:
        parse_tools(text)
    assert "\n" not in str(caught.value) and "expected" in str(caught.value)


@given(st.text(), st.data())
def test_any_text_is_read_or_refused(text, data):
    known = render_tools(data.draw(st.lists(tools(), min_size=1, max_size=2)))
    cut = data.draw(st.integers(0, len(known)))
    for candidate in (text, known[:cut], known[:cut] + text + known[cut:]):
        try:
            assert all(isinstance(tool, Tool) for tool in parse_tools(candidate))
        except InputError:
            pass
