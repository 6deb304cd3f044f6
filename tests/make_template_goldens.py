"""Writes tests/goldens/chat_template.json: what transformers' apply_chat_template makes of the
conversations of tests/dialect_cases.py.

    python -m tests.make_template_goldens [NAME=DIR ...]

needs transformers; the tests do not. NAME=DIR: a Hugging Face directory of the real model (qwen2.5,
llama3.1 or mistral); then it is also checked that our restatement of its template writes the same.
The messages are built here, not by `tl`.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.dialect_cases import CASES, TEMPLATES, write_tokenizer

GOLDEN = Path(__file__).resolve().parent / "goldens" / "chat_template.json"


def messages_of(messages) -> list[dict]:
    """The form of the OpenAI API; ids of calls have nine digits and count from 0."""
    found, waiting, count = [], [], 0
    for message in messages:
        entry = {"role": message.role, "content": message.content}
        if message.calls:
            entry["tool_calls"] = []
            for call in message.calls:
                function = {"name": call.name, "arguments": call.arguments}
                call_id = str(count).zfill(9)
                entry["tool_calls"].append(
                    {"type": "function", "id": call_id, "function": function}
                )
                waiting.append(call_id)
                count += 1
        if message.role == "tool":
            entry["tool_call_id"] = waiting.pop(0)
        found.append(entry)
    return found


def tools_of(tools) -> list[dict] | None:
    entries = [
        {"name": t.name, "description": t.description, "parameters": t.parameters} for t in tools
    ]
    return [{"type": "function", "function": entry} for entry in entries] or None


def rendered(directory: Path, case: str) -> dict[str, str] | None:
    """{"whole", "prompt"}, or None where the template refuses the conversation."""
    import jinja2
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    tools, messages = CASES[case]
    arguments = {"tools": tools_of(tools), "tokenize": False}
    try:
        return {
            name: tokenizer.apply_chat_template(
                messages_of(messages), add_generation_prompt=name == "prompt", **arguments
            )
            for name in ("whole", "prompt")
        }
    except jinja2.TemplateError:
        return None


def main(real: dict[str, str]) -> None:
    goldens = {}
    with TemporaryDirectory() as folder:
        for name, (template, family, *_) in TEMPLATES.items():
            directory = write_tokenizer(Path(folder) / name, family, template)
            goldens[name] = {case: rendered(directory, case) for case in CASES}
            if name in real:
                theirs = {case: rendered(Path(real[name]), case) for case in CASES}
                for case, text in goldens[name].items():
                    assert text == theirs[case], (name, case, text, theirs[case])
    GOLDEN.write_text(json.dumps(goldens, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(dict(argument.split("=", 1) for argument in sys.argv[1:]))
