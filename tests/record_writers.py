"""Conversations written as records of each format: the readers' counterpart, for tests only.

Written from the formats' descriptions (shared/data/train/README.md, the authors' mae.py, OpenAI's
and LLaMA-Factory's documentation), without the product's code.
"""

import json
from typing import Any

from tl.calls.schema import Conversation, Message, Tool


def tool_schema(tool: Tool) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def raw_record(conversation: Conversation) -> dict[str, Any]:
    tools = json.dumps([tool_schema(tool) for tool in conversation.tools], ensure_ascii=False)
    turns = [{"role": "system", "content": tools}]
    for message in conversation.messages:
        content = message.content
        if message.calls:
            content = f"{message.calls[0].name}\n{json.dumps(message.calls[0].arguments)}"
        turns.append({"role": message.role.replace("tool", "function"), "content": content})
    return {"id": conversation.id, "conversations": turns}


def mae_record(conversation: Conversation) -> dict[str, Any]:
    tools = "\n\n".join(mae_signature(tool) for tool in conversation.tools)
    turns = [{"role": "system", "content": tools}]
    for message in conversation.messages:
        content = message.content
        if message.calls:
            call = message.calls[0]
            values = (f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in call.arguments.items())
            content = f"{call.name}({', '.join(values)})"
        turns.append({"role": message.role.replace("tool", "function"), "content": content})
    return {"id": conversation.id, "conversations": turns}


def mae_signature(tool: Tool) -> str:
    """As mae.py's codellama_process writes it (Junjie-Ye/TL-Training at 77c875a)."""
    properties, required = tool.parameters["properties"], tool.parameters["required"]
    names = required + [name for name in properties if name not in required]
    kinds = {name: properties[name]["type"] for name in names}
    declared = [f"{n}: {kinds[n]}" + ("" if n in required else " = None") for n in names]
    lines = [f"\n    {n} ({kinds[n]}): {properties[n]['description']}" for n in names]
    return (
        f'Function:\ndef {tool.name}({", ".join(declared)}):\n    """\n    {tool.description}\n\n'
        f'    Args:{"".join(lines)}\n    """'
    )


def openai_record(conversation: Conversation, order=None) -> dict[str, Any]:
    """order: how to reorder the results of one message if none is missing, a function on a list."""
    messages: list[dict] = []
    results: list[dict] = []
    ids: list[str] = []
    for number, message in enumerate([*conversation.messages, None]):
        if message is not None and message.role == "tool":
            call_id = ids[len(results)]
            results.append({"role": "tool", "tool_call_id": call_id, "content": message.content})
            continue
        messages += order(results) if order and len(results) == len(ids) else results
        results = []
        if message is not None:
            ids = [f"call_{number}_{k}" for k in range(len(message.calls))]
            messages.append(_openai_message(message, ids))
    tools = [tool_schema(tool) for tool in conversation.tools]
    return {"id": conversation.id, "tools": tools, "messages": messages}


def _openai_message(message: Message, ids: list[str]) -> dict[str, Any]:
    written: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.calls:
        written["tool_calls"] = [
            {
                "id": call_id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
            }
            for call_id, call in zip(ids, message.calls, strict=True)
        ]
        written["content"] = message.content or None
    if not message.trained:
        written["weight"] = 0
    return written


def sharegpt_record(conversation: Conversation) -> dict[str, Any]:
    names = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}
    turns = []
    for message in conversation.messages:
        weight = {} if message.trained else {"weight": 0}
        if message.content or not message.calls:
            turns.append({"from": names[message.role], "value": message.content} | weight)
        if message.calls:
            calls = [{"name": c.name, "arguments": c.arguments} for c in message.calls]
            value = json.dumps(calls[0] if len(calls) == 1 else calls)
            turns.append({"from": "function_call", "value": value} | weight)
    tools = json.dumps([tool_schema(tool) for tool in conversation.tools])
    return {"id": conversation.id, "conversations": turns, "tools": tools}
