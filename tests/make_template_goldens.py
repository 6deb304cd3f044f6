"""Writes tests/goldens/chat_template.json: what transformers' apply_chat_template makes of the
conversations of tests/dialect_cases.py.

    python -m tests.make_template_goldens                    from templates restated there
    python -m tests.make_template_goldens --published DIR    from DIR/qwen2.5.jinja, ...

needs transformers; the tests do not. The second writes chat_template_published.json, from the
templates as their models carry them, which the repository does not; each stands there with its
SHA-256. The messages are built here, not by `tl`.
"""

import hashlib
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.dialect_cases import CASES, TEMPLATES, write_tokenizer

GOLDEN = Path(__file__).resolve().parent / "goldens" / "chat_template.json"
PUBLISHED = GOLDEN.with_name("chat_template_published.json")
FAMILIES = {"qwen2.5": "chatml", "llama3.1": "llama3", "mistral-nemo": "mistral"}


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


def all_rendered(template: str, family: str) -> dict[str, dict[str, str] | None]:
    with TemporaryDirectory() as folder:
        directory = write_tokenizer(Path(folder) / "model", family, template)
        return {case: rendered(directory, case) for case in CASES}


def main(argv: list[str]) -> None:
    if argv[:1] == ["--published"]:
        path, goldens = PUBLISHED, {}
        for name, family in FAMILIES.items():
            template = (Path(argv[1]) / f"{name}.jinja").read_bytes()
            sha256 = hashlib.sha256(template).hexdigest()
            texts = all_rendered(template.decode(), family)
            goldens[name] = {"sha256": sha256, "texts": texts}
    else:
        path = GOLDEN
        goldens = {
            name: all_rendered(template, family)
            for name, (template, family, *_) in TEMPLATES.items()
        }
    path.write_text(json.dumps(goldens, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
