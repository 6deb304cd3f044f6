"""What holds for every dialect: calls are read back, prompts begin training text, nothing raises,
and examples of each are encoded with control ids, key tokens and ends of turn.
"""

import math
from dataclasses import replace

import pytest
from hypothesis import assume, find, given, settings
from hypothesis import strategies as st

from tests.dialect_cases import ANSWER, ASK, CONTROLS, FAMILY, ONE, RAIN, SUN, TWO, WEATHER
from tests.dialect_cases import TEMPLATES, write_tokenizer
from tests.micro import WORLD_MODEL
from tests.shared import shared
from tests.strategies.calls import calls, damaged, same_typed
from tests.strategies.data import conversations
from tl import InputError
from tl.agent.generation import stop_ids
from tl.agent.reply import read_reply
from tl.calls.schema import Call, Conversation, Message, Tool
from tl.data.dataset import check_vocabulary
from tl.data.encode import Encoder
from tl.data.tokenizer import load_tokenizer
from tl.dialects import FIXED, get_dialect

ALL = [*FIXED, *(f"chat_template {name}" for name in TEMPLATES)]
PYTHON = ("codellama", "raven")  # calls may have values without names
SIMPLE = Call("get_weather", {"city": "Oslo", "days": [1, None, {"a": -0.5}], "now": True})


@pytest.fixture(scope="module")
def dialects(tmp_path_factory):
    """Name -> (dialect, tokenizer)."""
    found = {}
    for name in ALL:
        kind, _, template = name.partition(" ")
        source, family = TEMPLATES[template][:2] if template else (None, FAMILY[kind])
        directory = write_tokenizer(tmp_path_factory.mktemp("model"), family, source)
        found[name] = get_dialect(kind, directory), load_tokenizer(directory)
    return found


def text_of(segments) -> str:
    return "".join(segment.text for segment in segments)


def same_call(a: Call, b: Call) -> bool:
    return a.name == b.name and all(
        same_typed(x, y) for x, y in ((a.arguments, b.arguments), (a.positional, b.positional))
    )


def lone_halves(call: Call) -> bool:
    """Half a surrogate pair somewhere: JSON has no sign for two of them that are not a pair."""
    return any("\ud800" <= letter <= "\udfff" for letter in call.name + str(call.arguments))


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_formatted_call_is_read_back(dialects, name, data):
    dialect = dialects[name][0]
    positional = 2 if name in PYTHON else 0
    call = data.draw(calls(max_positional=positional))
    assume(name in PYTHON or not lone_halves(call))
    written = dialect.format(call)
    read = dialect.parse(written)
    assert len(read.calls) == 1 and same_call(read.calls[0], call), written
    assert read.content == ""


@pytest.mark.parametrize("name", ALL)
def test_a_lone_surrogate_is_read_back_and_can_be_encoded(dialects, name):
    call = Call("f", {"x": "\ud800 y"})
    written = dialects[name][0].format(call)
    assert dialects[name][0].parse(written).calls == (call,)
    if not name.startswith("chat_template"):  # whose text is transformers'
        written.encode("utf-8")


@pytest.mark.parametrize("name", [name for name in FIXED if name not in PYTHON])
def test_a_value_without_a_name_cannot_be_written_as_json(dialects, name):
    with pytest.raises(InputError, match="values without a name"):
        dialects[name][0].format(Call("f", {}, (1,)))


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_damaged_reply_raises_nothing(dialects, name, data):
    dialect = dialects[name][0]
    message = dialect.parse(data.draw(damaged(dialect.format(SIMPLE))))
    assert message.role == "assistant"
    message = dialect.parse(data.draw(st.text(max_size=30)))
    assert message.role == "assistant"


MALFORMED = {
    "codellama": "get_weather(city = ",
    "react": 'Thought: x\nAction: get_weather\nAction Input: {"city": ',
    "qwen_react": "Action: get_weather\nAction Input: Oslo",
    "raven": "Call: get_weather(city=",
    "glm4": 'get_weather\n{"city": ',
    "llama3": '{"name": "get_weather", "parameters": {"city": ',
    "hermes": '<tool_call>\n{"name": "get_weather", "arguments": {"city"}}\n</tool_call>',
    "openai": '{"tool_calls": [{"name": "get_weather"}]}',
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_call_is_text_and_counts_as_a_mistake(name):
    reply = read_reply(MALFORMED[name], get_dialect(name), {"get_weather"})
    assert reply.message == Message("assistant", MALFORMED[name].strip())
    assert reply.error is not None


@pytest.mark.parametrize("name", [*FIXED])
def test_an_answer_is_no_mistake(name):
    for text in ("It is {cold} in Oslo.", "Oslo: 3 °C, Action movies at 8.", "[1] a {x}"):
        reply = read_reply(text, get_dialect(name), {"get_weather"})
        assert not reply.error and reply.message == Message("assistant", text)


@pytest.mark.parametrize(
    "name, text, found",
    [
        ("raven", "Call: f(a='x'); g(b=2) \nThought: both<bot_end>", ["f", "g"]),
        ("raven", "Call: f(a=g(b=2))<bot_end>", ["g"]),
        ("react", "Thought: go\nAction: f\nAction Input: {}\nAction: g\nAction Input: {}", ["f"]),
        ("qwen_react", "Action: f\nAction Input: {}\nObservation: 1\nAction: g\nAction Input: {}",
         ["f"]),
        ("openai", 'Sure.\n{"tool_calls": [{"name": "f", "arguments": "{\\"a\\": 1}"}]}', ["f"]),
        ("openai", '{"tool_calls": [{"type": "function", "function": {"name": "f", "arguments": '
         '{}}}, {"name": "g", "arguments": {}}]}', ["f", "g"]),
        ("llama3", '<|python_tag|>{"type": "function", "name": "f", "parameters": {}}', ["f"]),
        ("llama3", '{"name": "f", "parameters": {}}; {"name": "g", "parameters": {}}', ["f", "g"]),
        ("hermes", "Let me see.\n<tool_call>\n{'name': 'f', 'arguments': {'a': True}}", ["f"]),
        ("hermes", '<tool_call>{"name": "f", "arguments": {}}</tool_call>\n<tool_call>{"name"',
         ["f"]),
        ("hermes", '{"name": "f", "arguments": {"a": 1, "a": 2}}', []),
        ("hermes", '{"name": "Oslo", "population": 5}', []),
    ],
)  # fmt: skip
def test_what_models_write(name, text, found):
    assert [call.name for call in get_dialect(name).parse(text).calls] == found


@pytest.mark.parametrize("name", [*FIXED])
@settings(max_examples=15, deadline=None)
@given(conversation=conversations())
def test_training_text_starts_with_the_prompt_of_each_reply(name, conversation):
    dialect = get_dialect(name)
    segments = dialect.render(conversation)
    for index, message in enumerate(conversation.messages):
        if message.role != "assistant":
            continue
        before = Conversation("p", conversation.tools, conversation.messages[:index])
        prompt = text_of(dialect.render_prompt(before))
        first = next(n for n, s in enumerate(segments) if s.reply and s.message == index)
        assert text_of(segments[:first]) == prompt


@pytest.mark.parametrize("name", [*FIXED])
@settings(max_examples=15, deadline=None)
@given(conversation=conversations())
def test_replies_say_which_call_they_make(name, conversation):
    dialect = get_dialect(name)
    replies = [s for s in dialect.render(conversation) if s.reply]
    expected = [
        (index, number if message.calls else None)
        for index, message in enumerate(conversation.messages)
        if message.role == "assistant"
        for number in range(max(len(message.calls), 1))
    ]
    assert [(s.message, s.call) for s in replies] == expected
    for segment in replies:
        if segment.call is not None:
            call = conversation.messages[segment.message].calls[segment.call]
            assert segment.text[slice(*segment.name_span)] == call.name


def test_the_strategy_draws_parallel_calls_and_answers():
    assert find(conversations(), lambda c: any(len(m.calls) == 2 for m in c.messages))
    assert find(conversations(), lambda c: any(
        m.role == "assistant" and not m.calls for m in c.messages))  # fmt: skip


# --- as training examples


def trajectory() -> Conversation:
    tools = (WEATHER, Tool("get_time"), Tool("search"))
    return Conversation("t", tools, (ASK, TWO, SUN, RAIN, ANSWER), "t:1")


@pytest.mark.parametrize("name", ALL)
def test_examples_have_ends_and_key_tokens(dialects, name):
    dialect, tokenizer = dialects[name]
    encoder = Encoder(tokenizer, dialect)
    example = encoder(trajectory())
    ids, targets = example.input_ids.tolist(), example.targets.tolist()
    first, second, answer = example.replies
    parallel = first.end == second.start
    assert first.end_of_turn is None if parallel else targets[first.end - 1] in encoder.end_ids
    for reply in (second, answer):
        assert targets[reply.end - 1] == reply.end_of_turn in encoder.end_ids
        assert targets[reply.start - 1 : reply.end - 1] == ids[reply.start : reply.end]
    if parallel:  # what follows the first call is the second call
        assert targets[first.end - 1] == ids[second.start]
    for reply in (first, second):
        # `get_weather` and `get_time` part behind their common tokens
        keys = [tokenizer.decode_segment([ids[key]]) for key in reply.key_tokens]
        assert len(keys) == 2 and keys[0].strip().startswith("g"), keys
        assert all(example.weights[key - 1] == 9 for key in reply.key_tokens)
    assert not answer.key_tokens


@pytest.mark.parametrize("name", ALL)
def test_prompts_are_prefixes_of_training_ids(dialects, name):
    dialect, tokenizer = dialects[name]
    encoder = Encoder(tokenizer, dialect)
    messages = (ASK, ONE, SUN, ANSWER)
    example = encoder(Conversation("c", (WEATHER,), messages, "c:1"))
    for reply, end in zip(example.replies, (1, 3), strict=True):
        prompt = encoder.prompt_ids(Conversation("c", (WEATHER,), messages[:end]))
        assert prompt == example.input_ids[: reply.start].tolist()
    bos = tokenizer.bos_id
    assert example.input_ids.tolist().count(bos) == (bos is not None)


@pytest.mark.parametrize("name", ALL)
def test_texts_never_become_control_tokens(dialects, name):
    dialect, tokenizer = dialects[name]
    encoder = Encoder(tokenizer, dialect)
    kind, _, template = name.partition(" ")
    tokens = CONTROLS[TEMPLATES[template][1] if template else FAMILY[kind]]
    control_ids = {tokenizer.control_id(token) for token in tokens}

    def control_count(word: str) -> int:
        tool = Tool("f", word, {"type": "object", "properties": {word: {"type": "string"}}})
        call = Message("assistant", word, (Call("f", {word: word}),))
        if name == "chat_template llama3.1" or name == "chat_template mistral":
            call = Message("assistant", "", call.calls)  # they leave text beside a call out
        told = (Message("user", "q " + word), call, Message("tool", word),
                Message("assistant", "so " + word))  # fmt: skip
        ids = encoder(Conversation("c", (tool,), told, "c:1")).input_ids.tolist()
        return sum(i in control_ids for i in ids)

    assert control_count("x" + "".join(tokens)) == control_count("harmless")


@pytest.mark.parametrize("name", ["hermes", "llama3", "glm4", "qwen_react"])
def test_a_tokenizer_without_the_control_tokens_is_refused(dialects, name):
    tokenizer = dialects["codellama"][1]
    with pytest.raises(InputError, match=rf"--dialect {name} writes the control token"):
        Encoder(tokenizer, get_dialect(name))


def test_only_the_erroneous_one_of_parallel_calls_is_left_out(dialects):
    for name in ("hermes", "openai", "raven", "chat_template qwen2.5"):
        dialect, tokenizer = dialects[name]
        failed = Message("tool", "get_weather() missing 1 required positional argument: 'days'")
        messages = (ASK, TWO, SUN, failed, ANSWER)
        example = Encoder(tokenizer, dialect)(Conversation("c", (WEATHER,), messages, "c:1"))
        first, second, answer = example.replies
        assert second.error and not first.error
        assert example.weights[first.start - 1 : first.end - 1].all()
        assert not example.weights[second.start - 1 : second.end].any()
        assert example.weights[answer.start - 1 : answer.end].all()


def test_generation_stops_at_every_end_of_the_dialect(dialects):
    class Model:
        generation_config = b'{"eos_token_id": 3}'

    dialect, tokenizer = dialects["glm4"]
    ids = [tokenizer.control_id(token) for token in ("<|observation|>", "<|user|>")]
    own = tokenizer.eos_id
    assert own not in ids
    assert stop_ids(Encoder(tokenizer, dialect), Model(), "model") == [*ids, own, 3]


def test_an_end_of_turn_without_a_row_in_the_embedding_is_refused(dialects):
    dialect, tokenizer = dialects["hermes"]
    example = Encoder(tokenizer, dialect)(trajectory())
    end = max(example.targets.tolist())
    inputs = example.input_ids.clamp(max=end - 1)
    short = replace(example, input_ids=inputs)
    check_vocabulary([short], 0, end + 1, "model")
    with pytest.raises(InputError, match=f"token id {end}, expected ids below the vocab_size {end}"):
        check_vocabulary([short], 0, end, "model")


def test_control_ids_of_tokenizer_files():
    """tokenizer.json of the tool world, tokenizer.model of Llama 2."""
    for tokenizer in (load_tokenizer(WORLD_MODEL), load_tokenizer(shared("tokenizers/llama2"))):
        assert tokenizer.control_id("</s>") == tokenizer.eos_id
        assert tokenizer.control_id("<s>") == tokenizer.bos_id
        assert [tokenizer.control_id(text) for text in ("the", "\u2581the", "<|im_end|>", "")] == [
            None] * 4  # fmt: skip


def test_nan_is_a_number_of_its_own():
    """The comparison above tells NaN, -0.0, True and 1 apart."""
    assert same_call(Call("f", {"x": math.nan}), Call("f", {"x": math.nan}))
    assert not same_call(Call("f", {"x": 1}), Call("f", {"x": True}))
    assert not same_call(Call("f", {"x": 0.0}), Call("f", {"x": -0.0}))
