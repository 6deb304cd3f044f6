"""Small records as exports write them, which the tests of the readers share."""

from tests.malformed import authors, calling, openai_call, sharegpt

PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
}
WEATHER = {"name": "weather", "description": "Now.", "parameters": PARAMETERS}
ARGUMENTS = '{"city": "Oslo"}'
ONE_CALL = calling(openai_call(arguments=ARGUMENTS))


def weather(**changes) -> dict:
    return {"type": "function", "function": WEATHER | {"parameters": PARAMETERS | changes}}


def hermes(reply: str, answer="3") -> dict:
    return sharegpt(("human", "Oslo?"), ("gpt", reply), ("tool", answer), ("gpt", "Rain."))


def raw(reply: str, **beside) -> dict:
    """Its last reply is a call, as all are in this format."""
    turns = ("user", "Oslo?"), ("assistant", reply), ("function", "3"), ("assistant", "finish\n{}")
    return authors(*turns) | beside
