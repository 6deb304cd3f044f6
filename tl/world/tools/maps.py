"""Maps: distances and routes between cities, places in them and their opening hours."""

from typing import Literal

from tl.world.tables import CITIES, choice, number, unknown
from tl.world.tasks import Question, call, task

SCENARIO = "information retrieval"

CATEGORIES = ("museum", "cafe", "pharmacy", "cinema")
TITLES = ("Star", "Crown", "Bridge", "Tower", "Lion", "Rose", "Anchor", "Falcon")
Unit = Literal["km", "miles"]
Mode = Literal["car", "train", "bike"]
Category = Literal["museum", "cafe", "pharmacy", "cinema"]


def get_distance(origin: str, destination: str, unit: Unit = "km") -> dict:
    """How far one city is from another.

    Args:
        origin: The first city.
        destination: The second city.
        unit: Unit of length.

    Example:
        get_distance(origin='Oslo', destination='Rome')
        get_distance(origin='Oslo', destination='Rome', unit='miles')
    """
    for city in (origin, destination):
        if city not in CITIES:
            return unknown("city", city)
    if unit not in ("km", "miles"):
        return unknown("unit", unit)
    length = number(" ".join(sorted((origin, destination))), 120, 9500)
    return {"distance": length if unit == "km" else round(length * 0.621), "unit": unit}


def get_route(
    origin: str, destination: str, mode: Mode = "car", via: list[str] | None = None
) -> dict:
    """How to travel from one city to another.

    Args:
        origin: City of departure.
        destination: City of arrival.
        mode: How to travel.
        via: Cities on the way.

    Example:
        get_route(origin='Oslo', destination='Rome', mode='train', via=['Berlin', 'Munich'])
    """
    stops = via or []
    for city in (origin, destination, *stops):
        if city not in CITIES:
            return unknown("city", city)
    if mode not in ("car", "train", "bike"):
        return unknown("mode", mode)
    key = f"{origin} {destination} {mode} {' '.join(stops)}"
    return {"hours": number(key, 3, 60), "road": f"E{number(key, 10, 99)}", "stops": len(stops)}


def find_places(city: str, category: Category) -> dict:
    """Find places of a kind in a city.

    Args:
        city: The city.
        category: Kind of place.

    Example:
        find_places(city='Vienna', category='museum')
    """
    if city not in CITIES:
        return unknown("city", city)
    if category not in CATEGORIES:
        return unknown("category", category)
    start = number(f"{city} {category}", 0, 7)
    ids = [f"PX{number(f'{city} {category} {n}', 100, 999)}" for n in range(2)]
    names = [f"{TITLES[(start + 3 * n) % 8]} {category}" for n in range(2)]
    return {"places": [{"place_id": i, "name": n} for i, n in zip(ids, names, strict=True)]}


def find_parking(city: str, hours: int) -> dict:
    """Find a garage in a city and its price.

    Args:
        city: The city.
        hours: How long the car stays, at most 48.

    Example:
        find_parking(city='Vienna', hours=4)
    """
    if city not in CITIES:
        return unknown("city", city)
    if not 1 <= hours <= 48:
        return {"error": f"hours is {hours}, expected 1 to 48."}
    return {"garage": f"{choice(city, TITLES)} garage", "price": hours * number(city, 1, 6)}


def get_place_hours(place_id: str) -> dict:
    """When a place is open.

    Args:
        place_id: Id of the place.

    Example:
        get_place_hours(place_id='PX314')
    """
    if not (place_id.startswith("PX") and place_id[2:].isdecimal() and len(place_id) == 5):
        return unknown("place", place_id)
    opens, closes = number(place_id, 7, 10), number(place_id, 16, 22)
    note = choice(place_id, ("none", "invalid ticket machine", "page not found", "cash only"))
    return {"opens": f"{opens}:00", "closes": f"{closes}:00", "note": note}


PLACE_IDS = tuple(f"PX{number(f'place {i}', 100, 999)}" for i in range(40))
HOURS = tuple(range(2, 40))


@task(
    "[How far is it|What is the distance] from {origin} to {destination}?",
    "[How far is it|What is the distance] from {origin} to {destination} in {unit}?",
    "[Tell me|Give me] the distance between {origin} and {destination}[, please|].",
    "How many {unit} [are there|lie] between {origin} and {destination}?",
    "Is it far from {origin} to {destination}?",
    origin=CITIES, destination=CITIES, unit=("miles",),
    question=Question(
        ("[How far is it|What is the distance] to {destination}?",
         "[Tell me|Give me] the distance to {destination}.", "Is {destination} far away?"),
        "[From which city|From where]?",
        ("From {origin}.", "{origin}."),
    ),
)  # fmt: skip
def measure_distance(origin, destination, unit):
    found = yield call(get_distance, origin=origin, destination=destination, unit=unit)
    return f"It is {found['distance']} {found['unit']} from {origin} to {destination}."


@task(
    "How [do|can] I get from {origin} to {destination}?",
    "[How do I get|How can I go] from {origin} to {destination} by {mode}?",
    "[Find|Give me] the route from {origin} to {destination} [via|over] {stop}.",
    "I [go|travel] by {mode} from {origin} to {destination}, [via|over] {stop}: which way?",
    "The way from {origin} to {destination}, with a stop in {stop}, please.",
    origin=CITIES, destination=CITIES, stop=CITIES, mode=("train", "bike"),
    question=Question(
        ("How [do|can] I get to {destination}?", "[Find|Give me] the way to "
         "{destination}.", "I have to be in {destination}, which way?"),
        "[Where do you start|From which city]?",
        ("In {origin}.", "{origin}."),
    ),
)  # fmt: skip
def find_way(origin, destination, stop, mode):
    via = None if stop is None else [stop]
    found = yield call(get_route, origin=origin, destination=destination, mode=mode, via=via)
    return f"Take {found['road']}, it takes {found['hours']} hours."


@task(
    "[Find|Show me] a {category} in {city}.",
    "[Is there|Do you know] a {category} in {city}?",
    "[I need|I am looking for] a {category} in {city}.",
    "{city}: which {category} is there?",
    city=CITIES, category=CATEGORIES,
    question=Question(
        ("[Find|Show me] a {category}.", "[Is there|Do you know] a {category}?",
         "I look for a {category}."),
        "In which city?",
        ("In {city}.", "{city}."),
    ),
)  # fmt: skip
def find_place(city, category):
    found = yield call(find_places, city=city, category=category)
    return f"There are {' and '.join(place['name'] for place in found['places'])}."


@task(
    "Where can I park in {city} for {hours} hours?",
    "[I need|We need] a parking place in {city} for {hours} hours.",
    "[What does|How much does] parking in {city} cost for {hours} hours?",
    "My car stays in {city} for {hours} hours, where to?",
    city=CITIES, hours=HOURS,
    question=Question(
        ("Where [can|could] I park in {city}?", "I need a parking place in {city}.",
         "My car stays in {city}, where to?"),
        "For how many hours?",
        ("{hours} hours.", "For {hours}."),
    ),
)  # fmt: skip
def park(city, hours):
    found = yield call(find_parking, city=city, hours=hours)
    return f"Use the {found['garage']}, it costs {found['price']} euros."


@task(
    "When [does {place} open|is place {place} open]?",
    "[Show me|Give me] the opening hours of {place}[, please|].",
    "[Until when|How long] is {place} open?",
    "Opening hours of place {place}?",
    place=tuple(dict.fromkeys(PLACE_IDS)),
)
def check_hours(place):
    found = yield call(get_place_hours, place_id=place)
    return f"It is open from {found['opens']} to {found['closes']}."


@task(
    "When does the first {category} [in|of] {city} open?",
    "[Find|Look for] a {category} in {city} and tell me [when it opens|its hours].",
    "[I want|We want] to visit the first {category} in {city}, when is it open?",
    "Opening hours of the first {category} in {city}?",
    city=CITIES, category=CATEGORIES,
)  # fmt: skip
def visit(city, category):
    found = yield call(find_places, city=city, category=category)
    place = found["places"][0]
    hours = yield call(get_place_hours, place_id=place["place_id"])
    return f"{place['name']} is open from {hours['opens']} to {hours['closes']}."


@task(
    "I [drive|go] from {origin} to {destination}: the route and parking for {hours} hours.",
    "[Find|Show me] the route from {origin} to {destination} and a garage there for {hours} hours.",
    "How do I get from {origin} to {destination}, and where do I park for {hours} hours?",
    "From {origin} by car to {destination}, {hours} hours in a garage there: route and price?",
    origin=CITIES, destination=CITIES, hours=HOURS, any_order=2,
)  # fmt: skip
def drive_and_park(origin, destination, hours):
    found = yield call(get_route, origin=origin, destination=destination)
    garage = yield call(find_parking, city=destination, hours=hours)
    return f"Take {found['road']}, park in the {garage['garage']}, {garage['price']} euros."
