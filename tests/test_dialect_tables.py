"""The paper's appendix: prompts equal Tables 6 to 13, the outputs of Table 14 are read.

The tables went through typesetting and back: `< |im_end| >` has blanks, quotes are curly, lines are
broken anywhere, underscores carry backslashes. `plain` undoes this on both sides.
"""

import re

import pytest

from tests.shared import shared
from tl.calls.schema import Call, Conversation, Message, Tool
from tl.dialects import get_dialect

ADVICE = Tool(
    "random_advice",
    "Returns a random advice slip as a slip object.",
    {"type": "object", "properties": {}, "required": []},
)
QUERY = "Can you fetch some random advice for me?"
ASKED = Conversation("advice", (ADVICE,), (Message("user", QUERY),))
TABLES = {
    6: "react",
    7: "raven",
    8: "glm4",
    9: "qwen_react",
    10: "llama3",
    11: "hermes",
    13: "codellama",
}
# In LaTeX braces group and do not print: Table 10 has lost those around this text.
UNBRACED = re.compile(r'Respond in the format \{("name".*?)\}\.')


def prompt(dialect: str) -> str:
    return "".join(segment.text for segment in get_dialect(dialect).render_prompt(ASKED))


def table(number: int) -> str:
    paper = shared("sources/tl_training_paper.md").read_text(encoding="utf-8")
    body = re.search(rf"\nTable {number}: [^\n]*\n+---\n(.*?)\n---\n", paper, re.DOTALL)[1]
    return re.sub(r"```\n?", "", body)


def plain(text: str) -> str:
    text = text.translate(str.maketrans("“”‘’", "\"\"''")).replace("\\_", "_")
    text = re.sub(r"<\s*\|\s*(\w+)\s*\|\s*>", r"<|\1|>", text)
    text = re.sub(r"\s*(<\|\w+\|>|<\\?human\\?_end>)\s*", r"\1", text)
    return " ".join(UNBRACED.sub(r"Respond in the format \1.", text).split())


@pytest.mark.parametrize("number", TABLES)
def test_the_prompt_is_that_of_the_papers_table(number):
    printed = table(number).replace("<human\\_end>", "<human_end>")
    assert plain(prompt(TABLES[number])) == plain(printed)


def test_table_12_is_the_bare_query_which_the_api_wraps():
    assert plain(table(12)) == QUERY
    users = [s.text for s in get_dialect("openai").render(ASKED) if s.message == 0]
    assert users == ["\nUser:", " " + QUERY]


EXACT = {
    "raven": '''Function:
def random_advice():
    """
    Returns a random advice slip as a slip object.

    Args:

    Returns:
    string: The feedback from the tool.
    """

User Query: Can you fetch some random advice for me?<human_end>

''',
    "hermes": """<|im_start|>system
You are Qwen, created by Alibaba Cloud. You are a helpful assistant.

# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{"function": {"description": "Returns a random advice slip as a slip object.", "name": \
"random_advice", "parameters": {"properties": {}, "required": [], "type": "object"}}, "type": \
"function"}
</tools>

For each function call, return a json object with function name and arguments within \
<tool_call></tool_call> XML tags:
<tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call><|im_end|>
<|im_start|>user
Can you fetch some random advice for me?<|im_end|>
<|im_start|>assistant
""",
    "llama3": """<|begin_of_text|><|start_header_id|>system<|end_header_id|>

Environment: ipython
Cutting Knowledge Date: December 2023
Today Date: 26 Jul 2024

<|eot_id|><|start_header_id|>user<|end_header_id|>

Given the following functions, please respond with a JSON for a function call with its proper \
arguments that best answers the given prompt.

Respond in the format {"name": function name, "parameters": dictionary of argument name and its \
value}. Do not use variables.

{
    "function": {
        "description": "Returns a random advice slip as a slip object.",
        "name": "random_advice",
        "parameters": {
            "properties": {},
            "required": [],
            "type": "object"
        }
    },
    "type": "function"
}

Can you fetch some random advice for me?<|eot_id|><|start_header_id|>assistant<|end_header_id|>

""",
    "glm4": """<|system|>
你是一个名为 ChatGLM 的人工智能助手。你是基于智谱AI训练的语言模型 GLM-4 模型开发的，你的任务是针对用户的\
问题和要求提供适当的答复和支持。

# 可用工具

## random_advice

{"name": "random_advice", "description": "Returns a random advice slip as a slip object.", \
"parameters": {"type": "object", "properties": {}, "required": []}}
在调用上述函数时，请使用 Json 格式表示调用的参数。<|user|>
Can you fetch some random advice for me?<|assistant|>""",
}


@pytest.mark.parametrize("dialect", EXACT)
def test_the_prompt_to_the_letter(dialect):
    """Tables 7, 11, 10 and 8 with the line breaks that the models' own formats have."""
    assert prompt(dialect) == EXACT[dialect]


def test_the_react_prompts_begin_and_end_as_printed():
    """Tables 6 and 9."""
    react, qwen = prompt("react"), prompt("qwen_react")
    assert react.startswith("System:\nYou are AutoGPT, you can use many tools(functions) to do")
    assert react.endswith(f'"required": []}}}}}}]\n\nUser: {QUERY}\nAssistant:')
    assert qwen.startswith("<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_st")
    assert qwen.endswith(f"Begin!\n\nQuestion: {QUERY}<|im_start|>assistant\n")


# Outputs of Table 14. The table prints the calls of GPT-4-turbo, GPT-3.5-turbo and Qwen-2.5 with a
# brace too many (`"limit": "5"}}, "name": ...`); it stands in the second of each pair.
TABLE_14 = [
    ("codellama", "random_advice()", Call("random_advice")),
    ("openai", '{"arguments": {}, "name": "get_currency"}', Call("get_currency")),
    ("openai", '{"arguments": {"name": "get_currency"}}', None),
    (
        "glm4",
        'get_exchange_rate\n{"from_currency": "EUR", "to_currency": "GBP"}',
        Call("get_exchange_rate", {"from_currency": "EUR", "to_currency": "GBP"}),
    ),
    ("glm4", 'search_country {"query": "IN"}', Call("search_country", {"query": "IN"})),
    (
        "qwen_react",
        "Thought: ...\nAction: google_trends_search\nAction Input: "
        '{"query": "school", "data_type": "related_topics"}',
        Call("google_trends_search", {"query": "school", "data_type": "related_topics"}),
    ),
    (
        "openai",
        '{"arguments": {"query": "Bitcoin", "data_type": "RELATED_QUERIES", "limit": "5"}, '
        '"name": "google_trends_search"}',
        Call(
            "google_trends_search",
            {"query": "Bitcoin", "data_type": "RELATED_QUERIES", "limit": "5"},
        ),
    ),
    ("openai", '{"arguments": {"query": "Bitcoin", "limit": "5"}}, "name": "g"}', None),
    (
        "react",
        'Thought: ...\nAction: get_nobel_results\nAction Input: {\n "year": "2018"\n}',
        Call("get_nobel_results", {"year": "2018"}),
    ),
    (
        "react",
        "Thought: ...\nAction: get_news_headlines\nAction Input: "
        '{ "api_key": "your_api_key", "q": "technology", "sortBy": "popularity" }',
        Call(
            "get_news_headlines",
            {"api_key": "your_api_key", "q": "technology", "sortBy": "popularity"},
        ),
    ),
    (
        "hermes",
        '{"arguments": {"query": "most popular tourist destinations in Europe"}, '
        '"name": "google_search"}',
        Call("google_search", {"query": "most popular tourist destinations in Europe"}),
    ),
    (
        "hermes",
        '<tool_call>\n{"arguments": {"q": "London", "days": "7", "api_key": "your_api_key"}, '
        '"name": "forecast"}\n</tool_call>',
        Call("forecast", {"q": "London", "days": "7", "api_key": "your_api_key"}),
    ),
    ("hermes", '{"arguments": {"q": "London", "days": "7"}}, "name": "forecast"}', None),
]


@pytest.mark.parametrize("dialect, output, call", TABLE_14)
def test_outputs_of_table_14_are_read(dialect, output, call):
    message = get_dialect(dialect).parse(output)
    assert message.calls == ((call,) if call else ())
    assert call or message.content == output


def test_the_outputs_are_those_of_the_paper():
    paper = shared("sources/tl_training_paper.md").read_text(encoding="utf-8")
    printed = re.sub(r"\s", "", plain(paper[paper.index("Table 14: Examples of various") :]))
    for dialect, output, call in TABLE_14:
        for value in call.arguments.values() if call else ():
            assert re.sub(r"\s", "", f'"{value}"') in printed
        if call and dialect != "hermes":
            assert call.name in printed
