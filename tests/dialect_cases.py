"""Small models' tokenizers and chat templates for the dialects; conversations to be rendered.

The templates are restatements, in our own words, of what those of Qwen2.5-Instruct,
Llama-3.1-Instruct and Mistral-7B-Instruct-v0.3 write for text, tools, calls and results.
"""

import json
from pathlib import Path

import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

from tl.calls.schema import Call, Conversation, Message, Tool

CONTROLS = {
    "chatml": ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
    "llama3": [
        "<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>",
        "<|eot_id|>", "<|python_tag|>",
    ],
    "glm4": ["<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>", "<|observation|>"],
    "mistral": [
        "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]",
        "[TOOL_CALLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]",
    ],
    "plain": ["<s>", "</s>"],
}  # fmt: skip
FAMILY = {
    "codellama": "plain",
    "react": "plain",
    "raven": "plain",
    "openai": "plain",
    "hermes": "chatml",
    "qwen_react": "chatml",
    "llama3": "llama3",
    "glm4": "glm4",
}

QWEN = """
{%- set system = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant." %}
{%- if messages[0].role == "system" %}
{%- set system = messages[0].content %}{% set messages = messages[1:] %}
{%- endif %}
{{- "<|im_start|>system\\n" + system }}
{%- if tools %}
{{- "\\n\\n# Tools\\n\\nYou may call one or more functions to assist with the user query.\\n\\n" }}
{{- "You are provided with function signatures within <tools></tools> XML tags:\\n<tools>" }}
{%- for tool in tools %}{{ "\\n" + tool | tojson }}{% endfor %}
{{- "\\n</tools>\\n\\nFor each function call, return a json object with function name and " }}
{{- "arguments within <tool_call></tool_call> XML tags:\\n<tool_call>\\n" }}
{{- '{"name": <function-name>, "arguments": <args-json-object>}\\n</tool_call>' }}
{%- endif %}
{{- "<|im_end|>\\n" }}
{%- for m in messages %}
{%- if m.role == "tool" %}
{%- if loop.first or loop.previtem.role != "tool" %}{{ "<|im_start|>user" }}{% endif %}
{{- "\\n<tool_response>\\n" + m.content + "\\n</tool_response>" }}
{%- if loop.last or loop.nextitem.role != "tool" %}{{ "<|im_end|>\\n" }}{% endif %}
{%- elif m.tool_calls %}
{{- "<|im_start|>assistant" }}
{%- if m.content %}{{ "\\n" + m.content }}{% endif %}
{%- for call in m.tool_calls %}
{{- '\\n<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' }}
{{- call.function.arguments | tojson }}{{ "}\\n</tool_call>" }}
{%- endfor %}
{{- "<|im_end|>\\n" }}
{%- else %}
{{- "<|im_start|>" + m.role + "\\n" + m.content + "<|im_end|>\\n" }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ "<|im_start|>assistant\\n" }}{% endif %}
""".strip()

LLAMA = """
{{- bos_token }}
{%- set ns = namespace(tools=tools, system="") %}
{%- if messages[0].role == "system" %}
{%- set ns.system = messages[0].content | trim %}{% set messages = messages[1:] %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if tools is not none %}{{ "Environment: ipython\\n" }}{% endif %}
{{- "Cutting Knowledge Date: December 2023\\nToday Date: 26 Jul 2024\\n\\n" + ns.system }}
{{- "<|eot_id|>" }}
{%- for m in messages %}
{%- if m.tool_calls is defined %}
{%- if m.tool_calls | length != 1 %}{{ raise_exception("only one call at once") }}{% endif %}
{%- set f = m.tool_calls[0].function %}
{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n{"name": "' + f.name + '", ' }}
{{- '"parameters": ' }}{{ f.arguments | tojson }}{{ "}<|eot_id|>" }}
{%- elif m.role == "tool" %}
{{- "<|start_header_id|>ipython<|end_header_id|>\\n\\n" }}
{{- m.content | tojson }}{{ "<|eot_id|>" }}
{%- else %}
{{- "<|start_header_id|>" + m.role + "<|end_header_id|>\\n\\n" }}
{%- if ns.tools is not none and m.role == "user" %}
{{- "Given the following functions, please respond with a JSON for a function call " }}
{{- "with its proper arguments that best answers the given prompt.\\n\\n" }}
{{- 'Respond in the format {"name": function name, "parameters": dictionary of argument name ' }}
{{- "and its value}. Do not use variables.\\n\\n" }}
{%- for tool in ns.tools %}{{ tool | tojson(indent=4) }}{{ "\\n\\n" }}{% endfor %}
{%- set ns.tools = none %}
{%- endif %}
{{- m.content | trim }}{{ "<|eot_id|>" }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
{{- "<|start_header_id|>assistant<|end_header_id|>\\n\\n" }}
{%- endif %}
""".strip()

MISTRAL = """
{%- if messages[0]["role"] == "system" %}
{%- set system = messages[0]["content"] %}{% set messages = messages[1:] %}
{%- endif %}
{%- set asked = messages | selectattr("role", "equalto", "user") | list %}
{{- bos_token }}
{%- for m in messages %}
{%- if m["role"] == "user" %}
{%- if tools is not none and m == asked[-1] %}
{{- "[AVAILABLE_TOOLS] [" }}
{%- for tool in tools %}
{{- tool | tojson }}{% if not loop.last %}{{ ", " }}{% endif %}
{%- endfor %}
{{- "][/AVAILABLE_TOOLS]" }}
{%- endif %}
{{- "[INST] " }}{% if loop.first and system is defined %}{{ system + "\\n\\n" }}{% endif %}
{{- m["content"] + "[/INST]" }}
{%- elif m.tool_calls is defined %}
{{- "[TOOL_CALLS] [" }}
{%- for call in m.tool_calls %}
{{- (call.function | tojson)[:-1] }}
{%- if call.id | length != 9 %}{{ raise_exception("ids have nine letters") }}{% endif %}
{{- ', "id": "' + call.id + '"}' }}{% if not loop.last %}{{ ", " }}{% endif %}
{%- endfor %}
{{- "]" + eos_token }}
{%- elif m["role"] == "assistant" %}
{{- " " + m["content"] | trim + eos_token }}
{%- else %}
{{- '[TOOL_RESULTS] {"content": ' + m.content | string + ', "call_id": "' }}
{{- m.tool_call_id + '"}[/TOOL_RESULTS]' }}
{%- endif %}
{%- endfor %}
""".strip()

TEMPLATES = {  # name -> (template, family of control tokens, bos, eos)
    "qwen2.5": (QWEN, "chatml", None, "<|im_end|>"),
    "llama3.1": (LLAMA, "llama3", "<|begin_of_text|>", "<|eot_id|>"),
    "mistral": (MISTRAL, "mistral", "<s>", "</s>"),
}

WEATHER = Tool(
    "get_weather",
    "The weather: <now> & 'later', in °C.",
    {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
        "required": ["city"],
    },
)
TIME = Tool("get_time", "The time.", {"type": "object", "properties": {}, "required": []})
ASK = Message("user", "What's the weather in Tromsø & Oslo?")
ONE = Message("assistant", calls=(Call("get_weather", {"city": "Tromsø", "days": 2}),))
TWO = Message("assistant", calls=(*ONE.calls, Call("get_weather", {"city": 'Os"lo'})))
SUN, RAIN = Message("tool", '{"sky": "sun ☀"}'), Message("tool", "rain")
ANSWER = Message("assistant", "Sun, then rain.")

CASES = {
    "question": ((), (ASK,)),
    "answer": ((), (ASK, ANSWER)),
    "system": ((), (Message("system", "Be brief."), ASK, ANSWER)),
    "tools": ((WEATHER, TIME), (ASK,)),
    "call": ((WEATHER, TIME), (ASK, ONE, SUN)),
    "trajectory": ((WEATHER, TIME), (ASK, ONE, SUN, ONE, RAIN, ANSWER)),
    "system and tools": ((WEATHER,), (Message("system", "Be brief."), ASK, ONE, SUN, ANSWER)),
    "parallel": ((WEATHER,), (ASK, TWO, SUN, RAIN, ANSWER)),
}


def case(name: str) -> Conversation:
    tools, messages = CASES[name]
    return Conversation(name, tools, messages, f"{name}:1")


def write_tokenizer(folder: Path, family: str, template: str | None = None) -> Path:
    """A directory with a byte-level tokenizer that has the control tokens of a family."""
    folder.mkdir(parents=True, exist_ok=True)
    controls = CONTROLS[family]
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = ["get_weather get_time search_flights", '{"name": "get_time", "arguments": {}}'] * 4
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([tokenizers.AddedToken(c, special=True) for c in controls])
    tokenizer.save(str(folder / "tokenizer.json"))
    has_bos = family in ("plain", "llama3", "mistral")
    # A base model's, which is not what ends a turn.
    ends = {"chatml": "<|endoftext|>", "llama3": "<|end_of_text|>", "glm4": "<|endoftext|>"}
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": controls[0] if has_bos else None,
        "eos_token": ends.get(family, "</s>"),
        "add_bos_token": has_bos,
    }
    if template is not None:
        config["chat_template"] = template
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder
