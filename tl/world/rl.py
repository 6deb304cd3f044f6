"""Entries for reinforcement learning: a context up to a call, and the gold call.

One entry per trajectory of its own (other requests than in train.json, of the same grammar); the
context may hold mistakes and their feedback. A record is a conversation of the authors' raw_data
form whose last assistant turn is the gold call, so `read_conversations` reads it; beside it

    kind    tool: a call of the plan; ask: the question for what the user left open; finish: the
            answer after the calls; direct: the answer to a request that needs no tool; cannot: the
            answer where the needed tool is not on offer
    golds   all right calls, the one of the conversation first (`golds.py`): [{"name", "arguments"}]
    family
"""

import json
import random
from dataclasses import dataclass

from tl.calls.schema import Call, Conversation, Message
from tl.world.golds import alternatives
from tl.world.teacher import Trajectory

FINISH_SHARE = 0.15  # of the trajectories with tool calls: the answer is the gold call


@dataclass(frozen=True)
class Entry:
    """conversation: ends with the gold call. golds: all right calls, that one first."""

    conversation: Conversation
    golds: tuple[Call, ...]
    kind: str
    family: str


def make_entry(trajectory: Trajectory, rng: random.Random) -> Entry:
    """An entry about one right call of the trajectory, chosen at random."""
    messages = trajectory.conversation.messages
    wrong = {label.turn - 1 for label in trajectory.labels if label.is_error}
    right = [i for i, m in enumerate(messages) if m.role == "assistant" and i not in wrong]
    *calls, last = right
    chosen = last if not calls or rng.random() < FINISH_SHARE else rng.choice(calls)
    done = sum(messages[i].calls[0].name != "ask_to_user" for i in right if i < chosen)
    kind = _kind(trajectory, messages[chosen])
    golds = messages[chosen].calls
    if kind == "tool":
        plan = [step.call for step in trajectory.steps]
        golds = alternatives(plan, done, trajectory.task.any_order)
    context = trajectory.conversation
    ending = Conversation(context.id, context.tools, messages[: chosen + 1])
    return Entry(ending, golds, kind, trajectory.family)


def call_record(call: Call) -> dict:
    return {"name": call.name, "arguments": call.arguments}


def raw_messages(conversation: Conversation) -> list[dict]:
    """The messages as they stand in the authors' raw_data.json."""
    tools = json.dumps([tool.to_openai() for tool in conversation.tools], ensure_ascii=False)
    messages = [{"role": "system", "content": tools}]
    for message in conversation.messages:
        role, content = message.role, message.content
        if role == "assistant":
            (call,) = message.calls
            content = f"{call.name}\n{json.dumps(call.arguments, ensure_ascii=False)}"
        messages.append({"role": "function" if role == "tool" else role, "content": content})
    return messages


def entry_record(entry: Entry) -> dict:
    """One record of rl.json."""
    return {
        "id": entry.conversation.id,
        "conversations": raw_messages(entry.conversation),
        "kind": entry.kind,
        "golds": [call_record(call) for call in entry.golds],
        "family": entry.family,
    }


def _kind(trajectory: Trajectory, message: Message) -> str:
    name = message.calls[0].name
    if name == "finish":
        return {"direct": "direct", "withheld": "cannot"}.get(trajectory.kind, "finish")
    return "ask" if name == "ask_to_user" else "tool"
