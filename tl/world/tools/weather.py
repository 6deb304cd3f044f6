"""Weather: forecasts, present weather, alerts and air quality of the cities."""

from typing import Literal

from tl.world.tables import CITIES, choice, number, unknown
from tl.world.tasks import Question, call, task

SCENARIO = "real-time search"

SKIES = ("sunny", "cloudy", "rainy", "windy", "foggy", "snowy", "clear", "stormy")
HAZARDS = ("storm", "flood", "heat", "frost", "wind", "snow")
Unit = Literal["celsius", "fahrenheit"]


def get_weather_now(city: str, unit: Unit = "celsius") -> dict:
    """The present weather in a city.

    Args:
        city: The city.
        unit: Unit of the temperature.

    Example:
        get_weather_now(city='Oslo')
        get_weather_now(city='Oslo', unit='fahrenheit')
    """
    if city not in CITIES:
        return unknown("city", city)
    if unit not in ("celsius", "fahrenheit"):
        return unknown("unit", unit)
    degrees = number(city, -5, 34)
    shown = degrees if unit == "celsius" else round(degrees * 9 / 5 + 32)
    return {"city": city, "sky": choice(city, SKIES), "temperature": shown}


def get_weather_forecast(city: str, days: int = 1) -> dict:
    """The weather in a city on the next days.

    Args:
        city: The city.
        days: Number of days, at most 5.

    Example:
        get_weather_forecast(city='Lima', days=3)
    """
    if city not in CITIES:
        return unknown("city", city)
    if not 1 <= days <= 5:
        return {"error": f"days is {days}, expected 1 to 5."}
    skies = [choice(f"{city} +{day}", SKIES) for day in range(days)]
    return {"city": city, "forecast": skies}


def get_weather_alerts(city: str) -> dict:
    """The official weather warnings for a city.

    Args:
        city: The city.

    Example:
        get_weather_alerts(city='Kyoto')
    """
    if city not in CITIES:
        return unknown("city", city)
    hazards = [HAZARDS[number(f"{city} alert", 0, 5)]] if number(f"{city} any", 0, 2) else []
    return {"city": city, "alerts": hazards}


def get_weather_history(city: str, year: int) -> dict:
    """The mean temperature and rain of a city in a past year.

    Args:
        city: The city.
        year: The year, from 1950 on.

    Example:
        get_weather_history(city='Cairo', year=1998)
    """
    if city not in CITIES:
        return unknown("city", city)
    if year < 1950:
        return {"error": f"No records of {year}, they start in 1950."}
    key = f"{city} {year}"
    return {"city": city, "mean": number(key, 4, 29), "rain_mm": number(key + "r", 20, 1600)}


def get_air_quality(city: str) -> dict:
    """The air quality of a city, from 0 (clean) to 300.

    Args:
        city: The city.

    Example:
        get_air_quality(city='Delhi')
    """
    if city not in CITIES:
        return unknown("city", city)
    return {"city": city, "index": number(f"{city} air", 5, 240)}


YEARS = tuple(range(1951, 2021))


@task(
    "[Is it warm|Is it cold|Does it rain] in {city} [now|at the moment]?",
    "[What is the weather in|How is the weather in] {city}[ now| right now|]?",
    "[Tell me|Give me] the present weather in {city} in {unit}.",
    "[How warm is it|What is the temperature] in {city} now?",
    city=CITIES, unit=("fahrenheit",),
    question=Question(
        ("[What is the weather|Does it rain] at the moment?",
         "How is the weather now?", "[How warm|How cold] is it now?"),
        "[In which city|For which city]?",
        ("{city}.", "In {city}."),
    ),
)  # fmt: skip
def look_outside(city, unit):
    now = yield call(get_weather_now, city=city, unit=unit)
    return f"It is {now['sky']} in {city}, {now['temperature']} degrees."


@task(
    "[How will the weather be|What is coming] in {city} for {days} days?",
    "[Give me|What is] the weather forecast for {city} for {days} days.",
    "What will the weather be in {city} [in|over] the next {days} days?",
    "[Do I need an umbrella|Will it rain] in {city} in the next {days} days?",
    city=CITIES, days=(2, 3, 4, 5),
    question=Question(
        ("[What is coming|How will the weather be] for {days} days?",
         "[Give me|I need] a weather forecast for {days} days.",
         "What will the weather be in the next {days} days?"),
        "For which city?",
        ("{city}.", "For {city}."),
    ),
)  # fmt: skip
def look_ahead(city, days):
    found = yield call(get_weather_forecast, city=city, days=days)
    return f"In {city} it will be {', '.join(found['forecast'])}."


@task(
    "[Does|Did] the weather service warn [of anything in|the people of] {city}?",
    "[Are there|Do we have] any weather [warnings|alerts] for {city}?",
    "[Check|Look up] the weather [warnings|alerts] of {city}.",
    "Is there an official warning for {city}?",
    city=CITIES,
)
def check_alerts(city):
    found = yield call(get_weather_alerts, city=city)
    alerts = found["alerts"]
    return f"Warning for {city}: {alerts[0]}." if alerts else f"No warnings for {city}."


@task(
    "[Tell me|Give me] the air quality index of {city}.",
    "[Is the air in {city} clean|How is the air in {city}]?",
    "What is the air quality [in|of] {city}?",
    "Can I [run|jog] outside in {city}, how clean is the air?",
    city=CITIES,
)
def check_air(city):
    found = yield call(get_air_quality, city=city)
    return f"The air quality index of {city} is {found['index']}."


@task(
    "[Give me|I need] the mean temperature and rain of {city} in {year}.",
    "[How warm was|What was the mean temperature of] {city} in {year}?",
    "Show me the weather [history|records] of {city} for {year}.",
    "How much did it rain in {city} in {year}?",
    city=CITIES, year=YEARS,
)  # fmt: skip
def look_back(city, year):
    past = yield call(get_weather_history, city=city, year=year)
    return f"In {year} {city} had {past['mean']} degrees and {past['rain_mm']} mm of rain."


@task(
    "[Where|In which city] is it warmer now, {first} or {second}?",
    "[Look up|Get] the weather in {first} and {second}, which is warmer?",
    "[Is it warmer in|Which is warmer,] {first} or {second} now?",
    "Compare the present temperature of {first} and {second}.",
    first=CITIES, second=CITIES, any_order=2,
)  # fmt: skip
def compare_cities(first, second):
    one = yield call(get_weather_now, city=first)
    two = yield call(get_weather_now, city=second)
    if one["temperature"] == two["temperature"]:
        return f"{first} and {second} are equally warm."
    return f"{max(one, two, key=lambda now: now['temperature'])['city']} is warmer."


@task(
    "[Tell me|Show me] warnings, {days} days of forecast and air quality for {city}.",
    "[I am off|My trip goes] to {city}: warnings, {days} days of weather and air, please.",
    "I [go|travel] to {city}: check the weather warnings, the {days} day forecast and the air.",
    "For {city} I need the alerts, the forecast for {days} days and the air quality.",
    city=CITIES, days=(2, 3, 4, 5), any_order=3,
)  # fmt: skip
def full_report(city, days):
    found = yield call(get_weather_alerts, city=city)
    ahead = yield call(get_weather_forecast, city=city, days=days)
    air = yield call(get_air_quality, city=city)
    alerts = ", ".join(found["alerts"]) or "none"
    return f"Warnings: {alerts}; forecast: {', '.join(ahead['forecast'])}; air: {air['index']}."
