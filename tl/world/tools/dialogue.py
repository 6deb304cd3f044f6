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
    "[Hello|Hi] there, [it is|this is] {name} [again|here].",
    "[Hello|Hi|Hey], [I am|this is|my name is] {name}.",
    "[Good morning|Good evening|Good afternoon], {name} here.",
    "[Hi there|Greetings], {name} [speaking|is my name].",
    name=FIRST_NAMES,
)
def greet(name):
    return f"Hello {name}, how can I help you?"


@task(
    "[That was|This is] all[ for today|], [goodbye|bye], {name}.",
    "[Great|Perfect][, thanks|], {name} [says goodbye|has to go].",
    "[Thanks|Thank you|Many thanks][, that is all| for your help], [yours|regards], {name}.",
    "[Goodbye|Bye|See you][ then| later|], {name}.",
    name=FIRST_NAMES,
)
def say_goodbye(name):
    return f"You are welcome, {name}."


@task(
    "[Tell me|Give me] the sum of {a} and {b}.",
    "[What is|How much is|Compute] {a} + {b}?",
    "{a}+{b}",
    "[Please add|Add] {a} and {b}.",
    a=SMALL_NUMBERS,
    b=SMALL_NUMBERS,
)
def add_in_the_head(a, b):
    return f"{a} + {b} = {a + b}"


@task(
    "I [forgot|do not know] the capital of {country}[, which is it?|.]",
    "What is the capital of {country}?",
    "[Which city is|Tell me] the capital of {country}[, please|].",
    "Name the capital city of {country}.",
    country=tuple(CAPITALS),
)
def name_a_capital(country):
    return f"The capital of {country} is {CAPITALS[country]}."


LEGS = {"a spider": 8, "a horse": 4, "an ant": 6, "a chicken": 2, "a cat": 4, "a bee": 6,
        "a duck": 2, "a crab": 10, "a cow": 4, "an eagle": 2, "a fly": 6, "a goat": 4,
        "a lobster": 10, "a sheep": 4, "a beetle": 6}  # fmt: skip
MONTHS = {"January": 31, "March": 31, "April": 30, "May": 31, "June": 30, "July": 31, "August": 31,
          "September": 30, "October": 31, "November": 30, "December": 31}  # fmt: skip


@task(
    "[What is|How much is|Compute] {a} times {b}?",
    "[Multiply|Please multiply] {a} by {b}.",
    "{a} * {b}",
    "[Tell me|Give me] the product of {a} and {b}.",
    a=SMALL_NUMBERS,
    b=SMALL_NUMBERS,
)
def multiply_in_the_head(a, b):
    return f"{a} * {b} = {a * b}"


@task(
    "[How many legs has {animal}|How many legs does {animal} have]?",
    "[Tell me|I wonder] how many legs {animal} has.",
    "[On how many legs|With how many legs] does {animal} walk?",
    "The number of legs of {animal}?",
    animal=tuple(LEGS),
)
def count_legs(animal):
    return f"{animal.capitalize()} has {LEGS[animal]} legs."


@task(
    "How many days [has|are in] {month}?",
    "[Tell me|I forgot] how long {month} is.",
    "[Does {month} have 30 or 31 days|Has {month} 31 days]?",
    "The number of days in {month}?",
    month=tuple(MONTHS),
)
def count_days(month):
    return f"{month} has {MONTHS[month]} days."
