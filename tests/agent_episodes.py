"""One conversation of the agent's loop with a model that says what a test wants it to say."""

from pathlib import Path

from tests.scripted import Script
from tl.agent.loop import Loop, Task
from tl.calls.schema import Conversation, Message
from tl.data.encode import Encoder
from tl.data.tokenizer import load_tokenizer
from tl.data.turns import Turns
from tl.dialects import get_dialect
from tl.world import TOOLS, World, tokenizer

DIALECT = get_dialect("codellama")
TINY = load_tokenizer(Path(tokenizer.__file__).parent / "tiny")
ENCODER = Encoder(TINY, DIALECT)
OFFERED = ("search_hotels", "get_weather_forecast", "ask_to_user", "finish")
QUERY = Message("user", "Find me a hotel in Oslo.")
START = Conversation("q", tuple(TOOLS[name] for name in OFFERED), (QUERY,), "q:1")
HOTEL = "search_hotels(city = 'Oslo')"


def run(*replies, execute=None, ask=None, cut=False, start=START, max_positions=2048, **options):
    """One conversation with a model that says `replies`: (episode, script)."""
    script = Script(TINY, *replies, cut=cut)
    loop = Loop(TINY, DIALECT, script, max_positions=max_positions, **options)
    task = Task(start, execute or World(tools=OFFERED).execute, ask)
    return loop.run([task])[0], script


def is_record(conversation: Conversation) -> bool:
    """Whether the reader of training data takes the messages as they are, and they can be encoded
    and written.
    """
    turns = Turns()
    for message in conversation.messages:
        if message.role == "assistant":
            turns.assistant(message.content, message.calls)
        else:
            {"user": turns.user, "tool": turns.result}[message.role](message.content)
    assert ENCODER(conversation).replies
    return turns.finished() == conversation.messages


def text_of(prompt: list[int]) -> str:
    return TINY.decode(prompt)
