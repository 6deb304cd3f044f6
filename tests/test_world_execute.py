"""World: feedback is CPython's own, no call raises, nothing is remembered between episodes."""

import copy
import json
from collections.abc import Iterator
from importlib import import_module

import pytest
from hypothesis import Phase, find, given, settings

from tests.strategies.world import EXAMPLES, calls, nearly_right_calls
from tl import InputError
from tl.calls.feedback import ErrorType, classify_feedback
from tl.calls.schema import Call
from tl.world import FAMILIES, FUNCTIONS, TOOLS, World, tables
from tl.world.execute import GUESS
from tl.world.mistakes import CATEGORIES
from tl.world.registry import examples

FLIGHT = {"origin": "Paris", "destination": "Rome", "date": "2025-05-14"}


def cpython(action) -> str:
    """What CPython says when `action` fails."""
    with pytest.raises(Exception) as caught:
        action()
    return GUESS.sub("", str(caught.value))


def state_of_the_world() -> str:
    """All that a tool could change: the values of the modules that hold functions and tables."""
    modules = [tables, *(import_module(f"tl.world.tools.{name}") for name in FAMILIES)]
    return repr([
        {k: v for k, v in vars(m).items() if isinstance(v, tuple | list | dict | set | str | int)
         and not k.startswith("__")}
        for m in modules
    ])  # fmt: skip


def test_wrong_calls_get_pythons_own_words():
    world, search = World(), FUNCTIONS["search_flights"]
    cases = [
        ({"city": "Paris"} | FLIGHT, ErrorType.PARAMETER_HALLUCINATION),
        ({"city": "Paris"}, ErrorType.PARAMETER_HALLUCINATION),
        ({"origin": "Paris", "destination": "Rome"}, ErrorType.PARAMETER_MISSING),
        ({}, ErrorType.PARAMETER_MISSING),
        (FLIGHT | {"date": "tomorrow"}, ErrorType.TOOL_CALL_FAILURE),
        (FLIGHT | {"date": 5}, ErrorType.TOOL_CALL_FAILURE),
    ]
    for arguments, error in cases:
        outcome = world.attempt(Call("search_flights", arguments))
        assert outcome == (cpython(lambda given=arguments: search(**given)), error)


@pytest.mark.parametrize("name", TOOLS)
def test_every_tool_says_what_cpython_says(name):
    """The real function is called beside the world, with every kind of wrong argument."""
    function, world, kinds = FUNCTIONS[name], World(), set()
    required = set(TOOLS[name].required)
    for example in examples(function):
        for arguments in wrong_arguments(example.arguments):
            outcome = world.attempt(Call(name, arguments))
            assert outcome.feedback == said_by_python(function, arguments), arguments
            extra, missing = set(arguments) - set(TOOLS[name].properties), required - set(arguments)
            if extra or missing:
                wording = "got an unexpected keyword argument" if extra else "missing"
                assert outcome.feedback.startswith(f"{name}() {wording} ")
            kinds.add(outcome.error)
        surplus = Call(name, {}, (*example.arguments.values(), *range(9)))
        said = cpython(lambda given=surplus: function(*given.positional))
        assert world.attempt(surplus) == (said, ErrorType.PARAMETER_HALLUCINATION)
        assert f"{name}() takes " in said
    assert kinds >= {ErrorType.PARAMETER_HALLUCINATION, ErrorType.PARAMETER_MISSING}
    free = ("finish", "ask_to_user", "text_count_words")  # take any value
    assert (ErrorType.TOOL_CALL_FAILURE in kinds) or name in free


def wrong_arguments(right: dict) -> Iterator[dict]:
    yield {}
    yield right | {"verbose": True}
    yield {"verbose": True}
    for name, value in right.items():
        yield {key: other for key, other in right.items() if key != name}
        yield {f"{key}_value" if key == name else key: other for key, other in right.items()}
        for wrong in (None, [], {}, "x", -1, 10**9, 0.5, [None], {"x": 1}, [value], str(value)):
            yield right | {name: wrong}


def said_by_python(function, arguments: dict) -> str:
    try:
        return json.dumps(function(**copy.deepcopy(arguments)), ensure_ascii=False)
    except Exception as error:
        return GUESS.sub("", str(error)) or type(error).__name__


def test_the_words_themselves():
    """One of each, spelled out: what a reader of paper Figure 3 expects."""
    execute = World().execute
    assert execute(Call("search_flights", {"origin": "Paris", "destination": "Rome"})) == (
        "search_flights() missing 1 required positional argument: 'date'"
    )
    assert execute(Call("search_flights", FLIGHT | {"limit": 3})) == (
        "search_flights() got an unexpected keyword argument 'limit'"
    )
    assert execute(Call("get_weather_forecast", {"city": "Oslo", "days": "3"})) == (
        "'<=' not supported between instances of 'int' and 'str'"
    )
    assert execute(Call("search_hotels", {"city": "Atlantis"})) == (
        '{"error": "Unknown city: \'Atlantis\'."}'
    )
    assert execute(Call("search_flights", {}, ("Paris", "Rome", "2025-05-14", "economy", 1))) == (
        "search_flights() takes from 3 to 4 positional arguments but 5 were given"
    )


def test_an_unknown_name_gets_the_text_of_nameerror():
    said = cpython(lambda: find_flights())  # noqa: F821
    assert World().attempt(Call("find_flights")) == (said, ErrorType.TOOL_HALLUCINATION)


def test_only_tools_on_offer_are_defined():
    world = World(tools=["search_hotels", "finish"])
    assert world.attempt(Call("search_hotels", {"city": "Oslo"})).error is None
    assert world.execute(Call("search_flights", FLIGHT)) == "name 'search_flights' is not defined"
    with pytest.raises(InputError, match="'find_flights' is not one of"):
        World(tools=["find_flights"])


def test_positional_arguments_are_bound_in_their_order():
    world = World()
    by_name = world.execute(Call("search_flights", FLIGHT))
    assert world.execute(Call("search_flights", {}, tuple(FLIGHT.values()))) == by_name
    assert json.loads(by_name)["flights"]


def test_a_tool_cannot_change_the_record_of_the_conversation():
    def take_first(words: list[str]) -> str:
        return words.pop(0)

    world = World(functions={"take_first": take_first})
    call = Call("take_first", {"words": ["a", "b"]})
    assert world.execute(call) == world.execute(call) == '"a"'
    assert call.arguments == {"words": ["a", "b"]}
    assert World(functions={"take_first": take_first}, instability=1.0).attempt(call).error


@pytest.mark.parametrize(
    "words, kept",
    [
        ("f() got an unexpected keyword argument 'cty'. Did you mean 'city'?",
         "f() got an unexpected keyword argument 'cty'"),
        ("name 'fnd' is not defined. Did you mean: 'find'?", "name 'fnd' is not defined"),
        ("the page says: Did you mean 'x'? No", "the page says: Did you mean 'x'? No"),
    ],
)  # fmt: skip
def test_guesses_of_newer_pythons_are_cut_off(words, kept):
    assert GUESS.sub("", words) == kept


@given(calls())
def test_every_call_gets_text_and_nothing_is_remembered(call):
    before = repr(call)
    first = World().execute(call)
    assert isinstance(first, str) and first
    first.encode("utf-8")
    world = World()
    world.execute(EXAMPLES[0])
    assert world.execute(call) == first == world.execute(call)
    assert repr(call) == before


def test_deeply_nested_and_huge_arguments():
    nested: list = []
    for _ in range(100_000):
        nested = [nested]
    world = World()
    for value in (nested, 10**5000, "x" * 10**6, float("nan"), "\ud800", {}, [[]]):
        for name in ("text_sort_words", "compute_statistics", "get_weather_history", "finish"):
            for parameter in ("words", "values", "city", "year", "answer"):
                assert isinstance(world.execute(Call(name, {parameter: value})), str)
                assert isinstance(World(instability=1).execute(Call(name, {parameter: value})), str)
    while nested:  # or the interpreter runs out of stack when it frees them all at once
        nested = nested.pop()


def test_the_strategy_draws_what_it_is_for():
    def meets(error):
        return lambda call: World().attempt(call).error is error

    quick = settings(phases=[Phase.generate], max_examples=2000)  # found is enough, not shrunk
    for error in (*CATEGORIES[:4], None):
        find(nearly_right_calls(), meets(error), settings=quick)
    find(calls(), lambda c: c.positional and World().attempt(c).error is None, settings=quick)
    find(calls(), lambda call: "\\ud800" in ascii(call), settings=quick)


@given(nearly_right_calls())
def test_the_classifier_reads_what_the_world_knows(call):
    """Of calls that cannot be bound; values may contain the wording of any error."""
    outcome = World().attempt(call)
    if outcome.error in CATEGORIES[:3]:
        assert classify_feedback(outcome.feedback, call) == outcome.error


def test_a_lost_call_gets_through_when_repeated():
    world = World(7, instability=1.0)
    call = Call("search_hotels", {"city": "Oslo"})
    lost = world.attempt(call)
    assert lost.error is ErrorType.TOOL_INSTABILITY
    assert lost.feedback.startswith(
        "HTTPSConnectionPool(host='api.travel.example', port=443): Max retries exceeded with url: "
        "/v1/search_hotels?city=Oslo (Caused by "
    )
    assert classify_feedback(lost.feedback, call) is ErrorType.TOOL_INSTABILITY
    assert world.execute(call) == World().execute(call)
    assert world.attempt(Call("finish", {"answer": "x"})).error is None, "finish needs no network"


def test_instability_is_seeded_and_as_frequent_as_said():
    def losses(seed):
        world = World(seed, instability=0.25)
        calls = [Call("get_account_balance", {"account_id": f"AC{n:04}"}) for n in range(2000)]
        return [world.attempt(c).error is ErrorType.TOOL_INSTABILITY for c in calls]

    assert losses(1) == losses(1) != losses(2)
    assert abs(sum(losses(1)) / 2000 - 0.25) < 0.05  # 5 standard deviations
    assert not any(World(instability=0.0).attempt(call).error for call in EXAMPLES)


def test_no_episode_changes_the_world():
    from tl.world.datasets import make_trajectories

    before = state_of_the_world()
    assert "'CITIES'" in before and "'DICTIONARY'" in before
    list(make_trajectories("train", 300))
    for call in EXAMPLES:
        World().execute(call)
    assert state_of_the_world() == before
