"""The tools of the world: documented examples run, the schema is the signature, nothing is kept."""

import copy
import inspect
import json
import typing
from typing import Literal, TypedDict

import pytest

from tl import InputError
from tl.calls.schema import Call
from tl.calls.signature import parse_tools, render_tool
from tl.world import FAMILIES, FUNCTIONS, TOOLS
from tl.world.registry import describe, examples, public_functions, schema_of
from tl.world.tables import PEOPLE
from tl.world.tools import ALWAYS, DIALOGUE, FAMILY_OF, SCENARIOS

PYTHON_TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool,
                "array": list, "object": dict}  # fmt: skip


def test_size_of_the_world():
    offered = [name for name in TOOLS if name not in ALWAYS]
    families = [family for family in FAMILIES.values() if family.name != DIALOGUE]
    assert len(offered) >= 72
    assert len(families) >= 13
    assert {family.scenario for family in families} == set(SCENARIOS)
    assert sum(len(family.functions) for family in FAMILIES.values()) == len(TOOLS)


def test_kinds_of_parameters():
    """Enums, nested arguments, lists, typed and optional parameters: several tools have each."""
    schemas = [schema for tool in TOOLS.values() for schema in tool.properties.values()]
    inner = [s.get("items", {}) for s in schemas] + schemas
    assert sum("enum" in schema for schema in schemas) >= 15
    assert sum("properties" in schema for schema in inner) >= 3
    assert sum(schema["type"] == "array" for schema in schemas) >= 6
    assert {schema["type"] for schema in schemas} == set(PYTHON_TYPES)
    assert sum(set(tool.required) != set(tool.properties) for tool in TOOLS.values()) >= 20


def test_documentation_is_short():
    """The model reads three to twelve of these in every prompt."""
    for name, tool in TOOLS.items():
        assert len(tool.description) <= (150 if name in ALWAYS else 70), name
        assert all(len(schema["description"]) <= 50 for schema in tool.properties.values()), name


@pytest.mark.parametrize("family", [f for f in FAMILIES.values() if f.name != DIALOGUE], ids=str)
def test_a_family_shares_prefixes(family):
    verbs = [name.split("_")[0] for name in family.functions]
    assert max(map(verbs.count, verbs)) >= 2, verbs


@pytest.mark.parametrize("name", TOOLS)
def test_documented_examples_run(name):
    calls = examples(FUNCTIONS[name])
    assert calls, f"{name} has no example"
    for call in calls:
        assert call.name == name and not call.positional
        before = copy.deepcopy(call.arguments)
        first = FUNCTIONS[name](**call.arguments)
        assert call.arguments == before, "the tool changed its arguments"
        assert json.dumps(first) == json.dumps(FUNCTIONS[name](**copy.deepcopy(before)))
        assert not (isinstance(first, dict) and list(first) == ["error"]), first


@pytest.mark.parametrize("name", TOOLS)
def test_examples_are_of_the_documented_types(name):
    tool = TOOLS[name]
    for call in examples(FUNCTIONS[name]):
        assert set(tool.required) <= set(call.arguments) <= set(tool.properties)
        for parameter, value in call.arguments.items():
            schema = tool.properties[parameter]
            assert isinstance(value, PYTHON_TYPES[schema["type"]]), (parameter, value)
            assert value in schema.get("enum", [value])


@pytest.mark.parametrize("name", TOOLS)
def test_the_schema_is_the_signature(name):
    tool, parameters = TOOLS[name], inspect.signature(FUNCTIONS[name]).parameters
    assert tool.name == FUNCTIONS[name].__name__ == name
    assert list(tool.properties) == list(parameters)
    assert tool.required == [p for p in parameters if parameters[p].default is inspect._empty]
    assert tool.parameter_names == list(parameters), "required parameters come first"
    for parameter, schema in tool.properties.items():
        default = parameters[parameter].default
        assert schema.get("default") == (None if default is inspect._empty else default)
        hint = str(typing.get_type_hints(FUNCTIONS[name])[parameter]).lower()
        word = {"string": "str", "integer": "int", "number": "float", "boolean": "bool",
                "array": "list", "object": "dict"}[schema["type"]]  # fmt: skip
        assert word in hint or "enum" in schema or schema.get("properties")


@pytest.mark.parametrize("name", TOOLS)
def test_everything_is_described_and_reads_back(name):
    tool = TOOLS[name]
    assert tool.description
    assert all(schema["description"] for schema in tool.properties.values())
    assert parse_tools(render_tool(tool)) == [tool]


def test_every_tool_has_a_task_that_needs_it():
    from tl.world.datasets import make_trajectories

    used = set()
    made = [*make_trajectories("train", 600), *make_trajectories("unseen", 200)]
    for trajectory in made:
        wrong = {label.turn for label in trajectory.labels if label.is_error}
        for index, message in enumerate(trajectory.conversation.messages):
            if index + 1 not in wrong:
                used |= {call.name for call in message.calls}
    assert used == set(TOOLS)


def test_families_of_tools():
    assert FAMILY_OF["search_flights"] == "travel"
    assert ALWAYS == ("ask_to_user", "finish")
    assert len(set(PEOPLE)) == len(PEOPLE) == 60


class Line(TypedDict):
    product: str
    quantity: int


def order(
    lines: list[Line], speed: Literal["fast", "slow"], note: str | None = None, share: float = 0.5
):
    """Order things
    from the shop.

    Args:
        lines: What is ordered,
            in order.
        speed: How fast.

    Example:
        order(lines=[], speed='fast')
    """


def test_describe():
    tool = describe(order)
    assert tool.description == "Order things from the shop."
    assert tool.required == ["lines", "speed"]
    members = {"product": {"type": "string"}, "quantity": {"type": "integer"}}
    line = {"type": "object", "required": ["product", "quantity"], "properties": members}
    assert tool.properties == {
        "lines": {"type": "array", "description": "What is ordered, in order.", "items": line},
        "speed": {"type": "string", "description": "How fast.", "enum": ["fast", "slow"]},
        "note": {"type": "string", "description": ""},
        "share": {"type": "number", "description": "", "default": 0.5},
    }
    assert examples(order) == [Call("order", {"lines": [], "speed": "fast"})]


def test_describe_without_annotations_or_docstring():
    def bare(x, y=1):
        pass

    tool = describe(bare)
    assert (tool.description, tool.required) == ("", ["x"])
    assert tool.properties == {"x": {"description": ""}, "y": {"description": "", "default": 1}}


@pytest.mark.parametrize("annotation", [bytes, set, complex, tuple, int.__add__])
def test_types_without_a_json_type_are_refused(annotation):
    with pytest.raises(InputError, match="is annotated"):
        schema_of(annotation)


def test_parameters_that_have_no_name_are_refused():
    with pytest.raises(InputError, match=r"'\*args' cannot be given by name"):
        describe(lambda *args: None)
    with pytest.raises(InputError, match="cannot be given by name"):
        describe(lambda x, /: None)


def test_annotations_that_cannot_be_read_are_refused():
    def broken(x: "Missing"):  # noqa: F821
        pass

    with pytest.raises(InputError, match="'broken': an annotation cannot be read: name 'Missing'"):
        describe(broken)


def test_public_functions_leaves_out_what_is_imported_or_private():
    import tl.world.tools.travel as travel

    names = list(public_functions(travel))
    assert names[:2] == ["search_flights", "search_flight_status"]
    assert not {"unknown", "choice", "call", "task", "_flight"} & set(names)
