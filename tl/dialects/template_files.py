"""What a Hugging Face directory says about its chat template and its control tokens."""

from pathlib import Path
from typing import Any, NamedTuple

from tl.json_file import read_optional, read_text

TEMPLATE_FILE = "chat_template.jinja"
TOOL_TEMPLATE_FILE = "additional_chat_templates/tool_use.jinja"
# What transformers hands to a template besides the conversation, where the directory names it.
VARIABLES = tuple(f"{kind}_token" for kind in "bos eos unk sep pad cls mask".split())


class TemplateFiles(NamedTuple):
    """default, tool_use: templates, for conversations without and with tools; the second is rare.
    variables: {"bos_token": "<s>"}. controls: the texts of all control tokens.
    """

    default: str | None
    tool_use: str | None
    variables: dict[str, str]
    controls: frozenset[str]


def read_template_files(directory: str | Path) -> TemplateFiles:
    """All files are optional. InputError, naming the file, if one of them cannot be read."""
    directory = Path(directory)
    names = ("tokenizer_config.json", "special_tokens_map.json", "tokenizer.json")
    config, special_map, tokenizer = (read_optional(directory / name) for name in names)
    older = read_optional(directory / "added_tokens.json")
    named = [*_named(special_map).items(), *_named(config).items()]
    templates = _templates(directory, config)
    return TemplateFiles(
        templates.get("default"),
        templates.get("tool_use"),
        dict(named),
        frozenset(_controls(config, tokenizer, older)) | {text for _, text in named},
    )


def _templates(directory: Path, config: dict) -> dict[str, str]:
    """{"default": ..., "tool_use": ...}; a file of its own goes before tokenizer_config.json."""
    found = config.get("chat_template")
    if found is None:
        found = read_optional(directory / "chat_template.json").get("chat_template")
    if isinstance(found, list):
        found = {each["name"]: each["template"] for each in found if _is_named_template(each)}
    templates = {"default": found} if isinstance(found, str) else dict(found or {})
    for key, name in (("default", TEMPLATE_FILE), ("tool_use", TOOL_TEMPLATE_FILE)):
        if (directory / name).is_file():
            templates[key] = read_text(directory / name)
    return templates


def _is_named_template(value: Any) -> bool:
    texts = (value.get("name"), value.get("template")) if isinstance(value, dict) else (None,)
    return all(isinstance(text, str) for text in texts)


def _named(config: dict) -> dict[str, str]:
    found = {name: _content(config.get(name)) for name in VARIABLES}
    return {name: text for name, text in found.items() if text}


def _controls(config: dict, tokenizer: dict, older: dict) -> set[str]:
    """Special tokens; those of the older added_tokens.json are, unless said otherwise."""
    entries = [*_values(config.get("added_tokens_decoder")), *(tokenizer.get("added_tokens") or [])]
    entries = [each for each in entries if isinstance(each, dict)]
    plain = {_content(each) for each in entries if not each.get("special")}
    special = {_content(each) for each in entries if each.get("special")}
    extra = config.get("additional_special_tokens") or []
    more = {_content(each) for each in extra} if isinstance(extra, list) else set()
    return {text for text in special | more | (set(older) - plain) if text}


def _values(value: Any) -> list:
    return list(value.values()) if isinstance(value, dict) else []


def _content(value: Any) -> str | None:
    """A token is written as a string or as {"content": string}."""
    content = value.get("content") if isinstance(value, dict) else value
    return content if isinstance(content, str) else None
