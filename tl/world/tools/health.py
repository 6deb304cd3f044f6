"""Health: workouts and meals noted, the measurements of a watch read. What the watch reports speaks
of its errors without being one.
"""

from datetime import date as calendar_date
from typing import Literal

from tl.world.tables import DAYS, choice, number, unknown
from tl.world.tasks import Question, call, task

SCENARIO = "data understanding"

SPORTS = ("running", "cycling", "swimming", "rowing")
DISHES = ("soup", "salad", "pasta", "curry", "omelette", "stew", "burger", "risotto", "pancake",
          "sandwich", "burrito", "lasagne")  # fmt: skip
MEASURES = ("steps", "sleep", "pulse")
SENSORS = ("ok", "2 sensor errors", "calibration failed once", "strap not found", "no error")
Sport = Literal["running", "cycling", "swimming", "rowing"]
Measure = Literal["steps", "sleep", "pulse"]


def log_workout(sport: Sport, minutes: int, date: str) -> dict:
    """Note a workout.

    Args:
        sport: Kind of sport.
        minutes: How long it took.
        date: Day of the workout.

    Example:
        log_workout(sport='rowing', minutes=40, date='2025-03-09')
    """
    if sport not in SPORTS:
        return unknown("sport", sport)
    if minutes < 1:
        return {"error": "A workout takes at least 1 minute."}
    day = calendar_date.fromisoformat(date)
    burnt = minutes * number(sport, 7, 12)
    return {"workout_id": f"WK{number(f'{sport} {minutes} {day}', 100, 999)}", "burnt": burnt}


def log_meal(dish: str, calories: int, date: str) -> dict:
    """Note a meal.

    Args:
        dish: What was eaten.
        calories: Its calories.
        date: Day of the meal.

    Example:
        log_meal(dish='soup', calories=320, date='2025-03-09')
    """
    if calories < 0:
        return {"error": "Calories are not negative."}
    day = calendar_date.fromisoformat(date)
    eaten = calories + number(str(day), 300, 1500)
    return {"meal_id": f"ME{number(f'{dish} {day}', 100, 999)}", "calories_today": eaten}


def get_health_summary(date: str) -> dict:
    """What the watch measured on a day.

    Args:
        date: The day.

    Example:
        get_health_summary(date='2025-03-09')
    """
    day = calendar_date.fromisoformat(date).isoformat()
    steps, sleep = number(day + "s", 2000, 15000), number(day + "z", 50, 95) / 10
    return {"steps": steps, "sleep": sleep, "sensor": choice(day, SENSORS)}


def get_health_trend(measure: Measure, weeks: int = 2) -> dict:
    """The weekly means of a measurement.

    Args:
        measure: What was measured.
        weeks: Number of weeks, at most 12.

    Example:
        get_health_trend(measure='pulse', weeks=3)
    """
    if measure not in MEASURES:
        return unknown("measure", measure)
    if not 1 <= weeks <= 12:
        return {"error": f"weeks is {weeks}, expected 1 to 12."}
    low, high = {"steps": (3000, 12000), "sleep": (5, 9), "pulse": (55, 90)}[measure]
    return {"means": [number(f"{measure} {week}", low, high) for week in range(weeks)]}


def compute_body_index(weight: float, height: int) -> dict:
    """The body mass index of a person.

    Args:
        weight: Weight in kg.
        height: Height in cm.

    Example:
        compute_body_index(weight=70, height=175)
    """
    if weight <= 0:
        return {"error": "The weight must be positive."}
    return {"index": round(weight / (height / 100) ** 2, 1), "errors": []}


MINUTES = tuple(range(15, 120, 5))
CALORIES = tuple(range(150, 950, 30))
WEIGHTS, HEIGHTS = tuple(range(48, 112)), tuple(range(150, 201))


@task(
    "[Log|Note] {minutes} minutes of {sport} on {date}.",
    "[I did|I spent] {minutes} minutes of {sport} on {date}, [log|note] it.",
    "On {date} I [did|spent] {minutes} minutes of {sport}[, write it down|, please note it].",
    "My workout on {date} was {sport} for {minutes} minutes.",
    sport=SPORTS, minutes=MINUTES, date=DAYS,
    question=Question(
        ("[Log|Note] my {sport} on {date}.", "I went {sport} on {date}, [note|log] it.",
         "On {date} it was {sport}, write it down."),
        "[How long did it take|For how many minutes]?",
        ("{minutes} minutes.", "It was {minutes} minutes."),
    ),
)  # fmt: skip
def note_workout(sport, minutes, date):
    noted = yield call(log_workout, sport=sport, minutes=minutes, date=date)
    return f"{sport} is noted as {noted['workout_id']}, {noted['burnt']} calories burnt."


@task(
    "[Log|Note] a '{dish}' of {calories} calories on {date}.",
    "[I ate|I had] a '{dish}' with {calories} calories on {date}, [log|note] it.",
    "On {date} I [ate|had] a '{dish}', {calories} calories[, please note it|].",
    "My meal on {date}: '{dish}', {calories} calories.",
    dish=DISHES, calories=CALORIES, date=DAYS,
    question=Question(
        ("[Log|Note] a '{dish}' on {date}.", "[I ate|I had] a '{dish}' on {date}, note it.",
         "My meal on {date} was a '{dish}'."),
        "How many calories did it have?",
        ("{calories}.", "{calories} calories."),
    ),
)  # fmt: skip
def note_meal(dish, calories, date):
    noted = yield call(log_meal, dish=dish, calories=calories, date=date)
    return f"It is noted as {noted['meal_id']}, {noted['calories_today']} calories that day."


@task(
    "[How many steps did I take|How did I sleep] on {date}?",
    "[Show me|Give me] my health [data|summary] of {date}.",
    "What did my watch [measure|record] on {date}?",
    "[Steps and sleep|Sleep and steps] of {date}, please.",
    "How was my {date}, says the watch?",
    date=DAYS,
    question=Question(
        ("[How many steps did I take|How did I sleep]?", "[Show me|Give me] my health summary.",
         "What did my watch measure?"),
        "[On which day|Which day]?",
        ("{date}.", "On {date}."),
    ),
)  # fmt: skip
def read_watch(date):
    found = yield call(get_health_summary, date=date)
    return f"On {date}: {found['steps']} steps, {found['sleep']} hours of sleep."


@task(
    "[Show me|What is] the trend of my {measure}[, please|].",
    "[Show me|Give me] the trend of my {measure} over {weeks} weeks.",
    "How did my {measure} [develop|change] in the last {weeks} weeks?",
    "The weekly means of my {measure} for {weeks} weeks[, please|].",
    "My {measure}, the last {weeks} weeks?",
    measure=MEASURES, weeks=tuple(range(3, 13)),
)  # fmt: skip
def follow_measure(measure, weeks):
    found = yield call(get_health_trend, measure=measure, weeks=weeks)
    return f"The means are {', '.join(map(str, found['means']))}."


@task(
    "[What is|Compute] the body index for {weight} kg and {height} cm.",
    "I weigh {weight} kg and am {height} cm tall, what is my body index?",
    "[Body index|Body mass index] of {height} cm and {weight} kg[, please|]?",
    "With {height} cm, are {weight} kg too much?",
    weight=WEIGHTS, height=HEIGHTS,
    question=Question(
        ("I weigh {weight} kg, what is my body index?", "[Compute|Tell me] my body index, I have "
         "{weight} kg.", "Are {weight} kg too much for me?"),
        "How tall are you?",
        ("{height} cm.", "I am {height} cm tall."),
    ),
)  # fmt: skip
def weigh(weight, height):
    found = yield call(compute_body_index, weight=weight, height=height)
    return f"The body index is {found['index']}."


@task(
    "[Log|Note] {minutes} minutes of {sport} on {date} and show me the summary of that day.",
    "I did {minutes} minutes of {sport} on {date}: note it, then [show me|read] the whole day.",
    "[Add|Put down] {sport}, {minutes} minutes, on {date}, then [tell|show] me my steps that day.",
    "After noting {minutes} minutes of {sport} on {date}, what does the watch say of that day?",
    sport=SPORTS, minutes=MINUTES, date=DAYS,
)  # fmt: skip
def note_and_read(sport, minutes, date):
    noted = yield call(log_workout, sport=sport, minutes=minutes, date=date)
    found = yield call(get_health_summary, date=date)
    return f"{noted['burnt']} calories burnt, {found['steps']} steps."
