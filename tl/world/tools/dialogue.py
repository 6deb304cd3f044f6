"""The two tools that are always offered, last, as in the authors' data, and requests that need no
other.
"""

from tl.world.tables import FIRST_NAMES
from tl.world.tasks import task

SCENARIO = "personal life"


def ask_to_user(question: str) -> str:
    """You can ask user for guidance when you think you need more information to handle the task,
    but you should use this tool as less as you can.

    Args:
        question: The question you want to ask to user.

    Example:
        ask_to_user(question='On which day?')
    """
    return question


def finish(answer: str) -> str:
    """Finish the task and give your answer.

    Args:
        answer: Your answer for the task.

    Example:
        finish(answer='Done.')
    """
    return answer


CAPITALS = {
    "France": "Paris", "Italy": "Rome", "Spain": "Madrid", "Portugal": "Lisbon",
    "Germany": "Berlin", "Austria": "Vienna", "Poland": "Warsaw", "Greece": "Athens",
    "Ireland": "Dublin", "Norway": "Oslo", "Finland": "Helsinki", "Sweden": "Stockholm",
    "Belgium": "Brussels", "Hungary": "Budapest", "Egypt": "Cairo", "Kenya": "Nairobi",
    "Japan": "Tokyo", "Peru": "Lima", "Chile": "Santiago", "Colombia": "Bogota",
}  # fmt: skip
SMALL_NUMBERS = tuple(range(1, 21))


@task(
    "[Hello|Hi|Hey], [I am|this is|my name is] {name}.",
    "[Good morning|Good evening|Good afternoon], {name} here.",
    "[Hi there|Greetings], {name} [speaking|is my name].",
    name=FIRST_NAMES,
)
def greet(name):
    return f"Hello {name}, how can I help you?"


@task(
    "[Thanks|Thank you|Many thanks][, that is all| for your help], [yours|regards], {name}.",
    "[Goodbye|Bye|See you][ then| later|], {name}.",
    name=FIRST_NAMES,
)
def say_goodbye(name):
    return f"You are welcome, {name}."


@task(
    "[What is|How much is|Compute] {a} + {b}?",
    "{a}+{b}",
    "[Please add|Add] {a} and {b}.",
    a=SMALL_NUMBERS,
    b=SMALL_NUMBERS,
)
def add_in_the_head(a, b):
    return f"{a} + {b} = {a + b}"


@task(
    "What is the capital of {country}?",
    "[Which city is|Tell me] the capital of {country}[, please|].",
    "Name the capital city of {country}.",
    country=tuple(CAPITALS),
)
def name_a_capital(country):
    return f"The capital of {country} is {CAPITALS[country]}."
