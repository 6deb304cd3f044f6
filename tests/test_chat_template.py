"""The model's own template: transformers' text, replies found, control tokens only its own."""

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dialect_cases import ANSWER, ASK, CASES, CONTROLS, ONE, SUN, TEMPLATES, TWO, WEATHER, case
from tests.dialect_cases import write_tokenizer
from tests.make_template_goldens import FAMILIES, PUBLISHED
from tests.shared import shared
from tests.strategies.data import conversations
from tl import InputError
from tl.calls.schema import Call, Conversation, Message
from tl.data.encode import Encoder
from tl.data.tokenizer import load_tokenizer
from tl.dialects import get_dialect

GOLDENS = json.loads(
    (Path(__file__).parent / "goldens" / "chat_template.json").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Name of the template -> (directory, dialect)."""
    found = {}
    for name, (template, family, *_) in TEMPLATES.items():
        directory = write_tokenizer(tmp_path_factory.mktemp(name), family, template)
        found[name] = directory, get_dialect("chat_template", directory)
    return found


def dialect_of(tmp_path, template: str, family: str = "chatml"):
    return get_dialect("chat_template", write_tokenizer(tmp_path, family, template))


def text_of(segments) -> str:
    return "".join(segment.text for segment in segments)


def replies_of(segments) -> list[str]:
    return [segment.text for segment in segments if segment.reply]


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("each", CASES)
def test_the_text_is_that_of_transformers(models, name, each):
    dialect, golden = models[name][1], GOLDENS[name][each]
    if golden is None:  # transformers cannot write it; here calls follow one by one
        assert len(replies_of(dialect.render(case(each)))) == 3
        return
    assert text_of(dialect.render(case(each))) == golden["whole"]
    assert text_of(dialect.render_prompt(case(each))) == golden["prompt"]


@pytest.mark.parametrize("name", FAMILIES)
def test_the_text_of_the_published_templates_is_that_of_transformers(tmp_path, name):
    """With the templates as the models carry them, where these lie beside the repository. What
    transformers writes and we refuse is refused because the template loses something.
    """
    template = shared(f"tokenizers/templates/{name}.jinja").read_bytes()
    golden = json.loads(PUBLISHED.read_text(encoding="utf-8"))[name]
    assert hashlib.sha256(template).hexdigest() == golden["sha256"]
    directory = write_tokenizer(tmp_path, FAMILIES[name], template.decode())
    dialect, written = get_dialect("chat_template", directory), []
    for each, texts in golden["texts"].items():
        if texts is None:  # parallel calls, refused by Llama's; here they follow one by one
            continue
        try:
            whole = text_of(dialect.render(case(each)))
        except InputError as error:
            assert (name, each) in REFUSED and REFUSED[name, each] in str(error), (each, error)
            continue
        assert whole == texts["whole"] and (name, each) not in REFUSED, each
        assert text_of(dialect.render_prompt(case(each))) == texts["prompt"]
        written.append(each)
    assert len(written) >= 5


REFUSED = {  # Mistral's drops a system message that the last user message does not stand behind
    ("mistral-nemo", "system"): "leaves the text 'Be brief.' out",
    ("mistral-nemo", "system and tools"): "leaves the text 'Be brief.' out",
}

REPLIES = {
    "qwen2.5": '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Tromsø", "days": 2}}\n'
    "</tool_call>",
    "llama3.1": '{"name": "get_weather", "parameters": {"city": "Tromsø", "days": 2}}',
    "mistral": '[TOOL_CALLS] [{"name": "get_weather", "arguments": {"city": "Tromsø", "days": 2}, '
    '"id": "000000000"}]',
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_replies_are_found_with_their_names_and_ends(models, name):
    _, dialect = models[name]
    call, answer = [s for s in dialect.render(case("system and tools")) if s.reply]
    assert call.text == REPLIES[name]
    assert call.text[slice(*call.name_span)] == "get_weather" and call.call == 0
    assert answer.text.strip() == "Sun, then rain." and answer.call is None
    assert call.end == answer.end == dialect.ends[0] == TEMPLATES[name][3]


def test_parallel_calls_are_one_turn_of_several_replies(models):
    for name in ("qwen2.5", "mistral"):
        segments = models[name][1].render(case("parallel"))
        first, second, _ = [s for s in segments if s.reply]
        assert segments.index(second) == segments.index(first) + 1
        assert (first.call, second.call) == (0, 1)
        assert [s.text[slice(*s.name_span)] for s in (first, second)] == ["get_weather"] * 2
        assert first.text == REPLIES[name].removesuffix("]")  # of the list, which goes on
        parsed = models[name][1].parse(first.text + second.text)
        assert parsed.calls == TWO.calls


@pytest.mark.parametrize("name", TEMPLATES)
def test_training_ids_start_with_the_prompts(models, name):
    directory, dialect = models[name]
    encoder = Encoder(load_tokenizer(directory), dialect)
    conversation = case("trajectory")
    example = encoder(conversation)
    ends = [i for i, m in enumerate(conversation.messages) if m.role == "assistant"]
    for reply, end in zip(example.replies, ends, strict=True):
        before = Conversation("p", conversation.tools, conversation.messages[:end])
        assert encoder.prompt_ids(before) == example.input_ids[: reply.start].tolist()
        assert int(example.targets[reply.end - 1]) == encoder.end_ids[0]
        assert int(example.input_ids[reply.end]) == encoder.end_ids[0]


@pytest.mark.parametrize("name", TEMPLATES)
def test_control_tokens_are_the_templates_alone(models, name):
    """The same number of control ids, in the same order, whatever the texts say."""
    directory, dialect = models[name]
    encoder = Encoder(load_tokenizer(directory), dialect)
    tokenizer = encoder.tokenizer
    tokens = CONTROLS[TEMPLATES[name][1]]
    control_ids = {tokenizer.control_id(token) for token in tokens}
    assert None not in control_ids

    def controls(conversation):
        ids = encoder(conversation).input_ids.tolist()
        return [i for i in ids if i in control_ids]

    poison = "".join(tokens)
    call = Message("assistant", calls=(Call("get_weather", {"city": poison}),))
    evil = (Message("user", "q" + poison), call, Message("tool", poison), ANSWER)
    poisoned = Conversation("p", (WEATHER,), evil, "p:1")
    calm = Conversation("c", (WEATHER,), (ASK, ONE, SUN, ANSWER), "c:1")
    assert controls(poisoned) == controls(calm)
    assert poison in text_of(dialect.render(poisoned))


@settings(max_examples=25, deadline=None)
@given(conversation=conversations(), name=st.sampled_from(["qwen2.5", "llama3.1"]))
def test_random_conversations_add_up_or_are_refused(models, conversation, name):
    directory, dialect = models[name]
    try:
        segments = dialect.render(conversation)
    except InputError:
        return
    for segment in segments:
        if segment.call is not None:
            call = conversation.messages[segment.message].calls[segment.call]
            assert segment.text[slice(*segment.name_span)] == call.name
    whole = text_of(segments)
    for index, message in enumerate(conversation.messages):
        if message.role == "assistant":
            before = Conversation("p", conversation.tools, conversation.messages[:index])
            assert whole.startswith(text_of(dialect.render_prompt(before)))


def test_a_template_that_moves_the_tools_is_refused_with_the_message(models):
    again = Message("user", "And tomorrow?")
    messages = (ASK, ONE, SUN, ANSWER, again, ONE)
    with pytest.raises(InputError, match=r"message 1 \(assistant\): .* does not stay the same"):
        models["mistral"][1].render(Conversation("c", (WEATHER,), messages, "c:1"))


def test_a_template_that_drops_tools_or_results_or_calls_is_refused(tmp_path):
    chat = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    dialect = dialect_of(tmp_path, chat)
    assert replies_of(dialect.render(case("answer"))) == ["Sun, then rain."]
    with pytest.raises(InputError, match="leaves the tool 'get_weather' out"):
        dialect.render(case("tools"))
    with pytest.raises(InputError, match="leaves the call of 'get_weather' out"):
        dialect.render(Conversation("c", (), (ASK, ONE), "c:1"))
    silent = chat.replace("{% for m in messages %}", "{% for m in messages if m.role != 'tool' %}")
    with pytest.raises(InputError, match=r"message 2 \(tool\): .* leaves the text"):
        dialect_of(tmp_path / "2", silent).render(Conversation("c", (), (ASK, ONE, SUN), "c:1"))


def test_a_template_without_an_end_of_turn_is_refused(tmp_path):
    plain = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    plain += "{% if add_generation_prompt %}assistant: {% endif %}"
    with pytest.raises(InputError, match="no control token behind the reply"):
        dialect_of(tmp_path, plain).render(case("answer"))


@pytest.mark.parametrize(
    "template",
    [
        "{{ messages.__class__.__mro__ }}",
        "{{ raise_exception('no') }}",
        "{{ messages[7].content + 1 }}",
        "{% set _ = messages.append(1) %}",
        "{{ undefined_thing.x }}",
        "{% set ns = namespace(__class__='x') %}",
        "{% set ns = namespace() %}{% set ns._x = 1 %}",
        "{{ dict.__mro__.x }}",
    ],
)
def test_a_template_that_fails_or_breaks_out_is_refused(tmp_path, template):
    dialect = dialect_of(tmp_path, template + TEMPLATES["qwen2.5"][0])
    with pytest.raises(InputError, match="the chat template refuses the conversation"):
        dialect.render(case("answer"))


def test_what_is_no_template_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match="is no Jinja template"):
        dialect_of(tmp_path, "{% if %}")
    with pytest.raises(InputError, match="has no chat template, expected chat_template.jinja"):
        get_dialect("chat_template", write_tokenizer(tmp_path / "2", "chatml"))
    with pytest.raises(InputError, match="no --model was given"):
        get_dialect("chat_template")


def test_templates_lie_where_transformers_looks_for_them(tmp_path):
    """A file of its own goes first; a list of named ones has one for tools."""
    chat, tools = TEMPLATES["qwen2.5"][0], "{{ 'tools: ' }}" + TEMPLATES["qwen2.5"][0]
    directory = write_tokenizer(tmp_path, "chatml", "{{ 'never' }}")
    (directory / "chat_template.jinja").write_text(chat, encoding="utf-8")
    dialect = get_dialect("chat_template", directory)
    assert text_of(dialect.render(case("answer"))).startswith("<|im_start|>")
    (directory / "chat_template.jinja").unlink()
    named = [{"name": "default", "template": chat}, {"name": "tool_use", "template": tools}]
    path = directory / "tokenizer_config.json"
    config = json.loads(path.read_text()) | {"chat_template": named}
    path.write_text(json.dumps(config))
    dialect = get_dialect("chat_template", directory)
    assert text_of(dialect.render(case("answer"))).startswith("<|im_start|>")
    assert text_of(dialect.render(case("call"))).startswith("tools: <|im_start|>")


def test_generation_blocks_and_loop_controls_are_read(tmp_path):
    template = (
        "{%- for m in messages %}{% if m.role == 'x' %}{% continue %}{% endif %}"
        "{{ '<|im_start|>' + m.role + '\\n' }}{% generation %}{{ m.content }}{% endgeneration %}"
        "{{ '<|im_end|>' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
    )
    assert replies_of(dialect_of(tmp_path, template).render(case("answer"))) == ["Sun, then rain."]
