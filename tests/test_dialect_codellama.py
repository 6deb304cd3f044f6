"""The paper's dialect: Table 13 to the letter, prompts begin training text, replies read back."""

import pytest
from hypothesis import given

from tests.strategies.data import conversations
from tl.calls.schema import Call, Conversation, Message, Tool
from tl.dialects import get_dialect

DIALECT = get_dialect("codellama")
ADVICE = Tool("random_advice", "Returns a random advice slip as a slip object.")
TABLE_13 = '''System: Function:
def random_advice():
    """
    Returns a random advice slip as a slip object.

    Args:
    """

User: Can you fetch some random advice for me?
Assistant:'''


def text_of(segments) -> str:
    return "".join(segment.text for segment in segments)


def asked(*messages: Message, tools=(ADVICE,)) -> Conversation:
    query = Message("user", "Can you fetch some random advice for me?")
    return Conversation("advice", tools, (query, *messages), "advice.json:1")


def test_the_prompt_is_the_papers_table_13():
    assert text_of(DIALECT.render_prompt(asked())) == TABLE_13


def test_replies_and_feedback_follow_the_authors_template():
    call = Message("assistant", calls=(Call("random_advice"),))
    feedback = Message("tool", '{"slip": {"id": 52}}')
    done = Message("assistant", calls=(Call("finish", {"answer": "It's done."}),))
    text = text_of(DIALECT.render(asked(call, feedback, done)))
    assert text == (
        TABLE_13 + ' random_advice()\nOutput: {"slip": {"id": 52}}\n'
        "Assistant: finish(answer = 'It\\'s done.')"
    )


def test_parallel_calls_are_written_one_by_one_with_their_feedback():
    both = Message("assistant", "Two at once.", (Call("a"), Call("b", {"n": 1})))
    conversation = asked(both, Message("tool", "A"), Message("tool", "B"), tools=())
    text = text_of(DIALECT.render(conversation))
    assert text.endswith(
        "\nAssistant: Two at once.\na()\nOutput: A\nAssistant: b(n = 1)\nOutput: B"
    )


def test_system_messages_stand_before_the_tools_and_anywhere_else_as_they_come():
    conversation = Conversation(
        "s",
        (ADVICE,),
        (
            Message("system", "Be brief."),
            Message("user", "Hi"),
            Message("system", "Now in French."),
            Message("assistant", "Salut"),
        ),
    )
    text = text_of(DIALECT.render(conversation))
    assert text.startswith("System: Be brief.\n\nFunction:\ndef random_advice():")
    assert text.endswith("\nUser: Hi\nSystem: Now in French.\nAssistant: Salut")


@given(conversations())
def test_every_message_is_written_once_and_in_order(conversation):
    segments = DIALECT.render(conversation)
    bodies = [(s.message, s.text[1:]) for s in segments if s.text.startswith(" ")]
    for index, message in enumerate(conversation.messages):
        if message.role in ("user", "tool"):
            assert (index, message.content) in bodies
    replies = [s for s in segments if s.reply]
    expected = sum(max(len(m.calls), 1) for m in conversation.messages if m.role == "assistant")
    assert len(replies) == expected
    for segment in replies:
        if segment.name_span:
            start, end = segment.name_span
            call = conversation.messages[segment.message].calls[segment.call]
            assert segment.text[start:end] == call.name


@given(conversations())
def test_a_reply_is_read_back(conversation):
    for segment in DIALECT.render(conversation):
        if segment.reply and segment.call is not None:
            message = DIALECT.parse(segment.text)
            assert message.calls[-1:] == (
                conversation.messages[segment.message].calls[segment.call],
            )


@given(conversations())
def test_training_text_starts_with_the_prompt_of_each_reply(conversation):
    """What the model is trained to continue is what it is asked to continue."""
    whole = text_of(DIALECT.render(conversation))
    for index, message in enumerate(conversation.messages):
        if message.role == "assistant":
            before = Conversation("p", conversation.tools, conversation.messages[:index])
            assert whole.startswith(text_of(DIALECT.render_prompt(before)))


def test_a_plain_answer_has_no_calls():
    assert DIALECT.parse(" Hello, how can I help?") == Message(
        "assistant", "Hello, how can I help?"
    )


def test_text_before_a_call_is_content():
    message = DIALECT.parse(" Let me see.\nsearch(q = 'x')\n")
    assert message == Message("assistant", "Let me see.", (Call("search", {"q": "x"}),))


@pytest.mark.parametrize(
    "prose", ["Revenue (2023) grew by 3 %.", "Python(3) is great.", "See f(x).", "Note (1): hi"]
)
def test_prose_with_brackets_is_no_call(prose):
    assert DIALECT.parse(prose) == Message("assistant", prose)


def test_a_call_is_found_behind_prose_with_brackets():
    message = DIALECT.parse("Note (1): hi\nf(a = 2)")
    assert message == Message("assistant", "Note (1): hi", (Call("f", {"a": 2}),))


def test_text_behind_a_call_with_named_arguments_is_ignored():
    assert DIALECT.parse("f(a = 2) Thought: done").calls == (Call("f", {"a": 2}),)


def test_blank_content_and_blank_system_messages_leave_no_trace():
    call = Message("assistant", "\n\n", (Call("f"),))
    conversation = Conversation("b", (), (Message("system", " "), Message("user", "Hi"), call))
    assert text_of(DIALECT.render(conversation)) == "User: Hi\nAssistant: f()"
