"""Travel: flights and hotels, searched, booked and cancelled.

Read this file to see what a family is. First its tools: each is a public function, the model is
shown its name, annotations and docstring, and a call of the model runs it as it stands. A tool is a
pure function of its arguments. What it cannot find it reports as `{"error": ...}`; what Python
itself objects to (a missing argument, a text compared with a number) is left to Python. Then the
requests that these tools solve.
"""

from datetime import date as calendar_date
from typing import Literal

from tl.world.tables import CITIES, DAYS, PEOPLE, choice, identifiers, number, unknown
from tl.world.tasks import Question, call, task

SCENARIO = "personal life"

AIRLINES = ("QX", "LV", "NR", "ZE", "TW", "KM")
HOTELS = ("Grand", "Central", "Garden", "Royal", "Station", "Harbour", "Palace", "Park")
Cabin = Literal["economy", "business"]


def search_flights(origin: str, destination: str, date: str, cabin: Cabin = "economy") -> dict:
    """Find the flights between two cities on a day.

    Args:
        origin: City of departure.
        destination: City of arrival.
        date: Day of departure.
        cabin: Class of travel.

    Example:
        search_flights(origin='Paris', destination='Rome', date='2025-05-14')
        search_flights(origin='Oslo', destination='Lima', date='2025-06-03', cabin='business')
    """
    for city in (origin, destination):
        if city not in CITIES:
            return unknown("city", city)
    if cabin not in ("economy", "business"):
        return unknown("cabin", cabin)
    day = calendar_date.fromisoformat(date)
    return {"flights": [_flight(f"{origin} {destination} {day} {cabin} {n}") for n in range(2)]}


def search_flight_status(flight_id: str) -> dict:
    """Whether a flight is on time.

    Args:
        flight_id: Id of the flight.

    Example:
        search_flight_status(flight_id='QX482')
    """
    if not _is_flight(flight_id):
        return unknown("flight", flight_id)
    status = choice(flight_id, ("on time", "boarding", "delayed", "landed"))
    return {"flight_id": flight_id, "status": status, "gate": f"B{number(flight_id, 1, 40)}"}


def search_hotels(city: str, max_price: int | None = None) -> dict:
    """Find hotels in a city.

    Args:
        city: The city.
        max_price: Highest price of a night, in euros.

    Example:
        search_hotels(city='Vienna')
        search_hotels(city='Vienna', max_price=180)
    """
    if city not in CITIES:
        return unknown("city", city)
    hotels = []
    for name in (choice(f"{city} hotel", HOTELS[:4]), choice(f"{city} inn", HOTELS[4:])):
        price = number(f"{city} {name}", 60, 240)
        if max_price is None or price <= max_price:
            hotels.append({"hotel": f"{name} Hotel {city}", "price": price})
    return {"hotels": hotels}


def book_flight(flight_id: str, passenger: str) -> dict:
    """Book a seat on a flight.

    Args:
        flight_id: Id of the flight.
        passenger: Full name of the passenger.

    Example:
        book_flight(flight_id='QX482', passenger='Anna Berg')
    """
    if not _is_flight(flight_id):
        return unknown("flight", flight_id)
    return {"booking_id": f"BK{number(flight_id + passenger, 1000, 9999)}", "flight_id": flight_id}


def book_hotel(hotel: str, nights: int, guest: str) -> dict:
    """Book a room in a hotel.

    Args:
        hotel: Name of the hotel.
        nights: Number of nights.
        guest: Full name of the guest.

    Example:
        book_hotel(hotel='Grand Hotel Vienna', nights=3, guest='Omar Diaz')
    """
    name, _, city = hotel.partition(" Hotel ")
    if name not in HOTELS or city not in CITIES:
        return unknown("hotel", hotel)
    if nights < 1:
        return {"error": "A stay has at least 1 night."}
    booking = f"BK{number(hotel + guest, 1000, 9999)}"
    return {"booking_id": booking, "total": nights * number(f"{city} {name}", 60, 240)}


def cancel_booking(booking_id: str) -> dict:
    """Cancel a booking of a flight or hotel.

    Args:
        booking_id: Id of the booking.

    Example:
        cancel_booking(booking_id='BK4821')
    """
    if not (booking_id.startswith("BK") and booking_id[2:].isdecimal() and len(booking_id) == 6):
        return unknown("booking", booking_id)
    return {"booking_id": booking_id, "cancelled": True, "refund": number(booking_id, 20, 400)}


def _flight(key: str) -> dict:
    flight_id = choice(key, AIRLINES) + str(number(key, 100, 999))
    departure = f"{number(key + 'h', 6, 21):02}:{number(key + 'm', 0, 5)}0"
    return {"flight_id": flight_id, "departure": departure, "price": number(key + "p", 60, 890)}


def _is_flight(flight_id: str) -> bool:
    return flight_id[:2] in AIRLINES and flight_id[2:].isdecimal() and len(flight_id) == 5


FLIGHT_IDS = tuple(f"{choice(i, AIRLINES)}{i[1:]}" for i in identifiers("F", 3, 60))
BOOKING_IDS = identifiers("BK", 4, 60)
BUDGETS = tuple(range(120, 245, 5))
NIGHTS = (2, 3, 4, 5, 6, 7)


@task(
    "[Find|Show me|Look up] flights from {origin} to {destination} on {date}.",
    "[Which|What] flights [go|leave] from {origin} to {destination} on {date}?",
    "[I need|Find me] a flight in {cabin} class from {origin} to {destination} on {date}.",
    "On {date} I [fly|travel] from {origin} to {destination}, which flights are there?",
    origin=CITIES, destination=CITIES, date=DAYS, cabin=("business",),
    question=Question(
        ("[Look up|Which are the] flights from {origin} to {destination}.",
         "[Find|Show me] flights from {origin} to {destination}.",
         "I want to fly from {origin} to {destination}."),
        "On which day do you want to fly?",
        ("On {date}.", "{date}[, please|]."),
    ),
)  # fmt: skip
def find_flights(origin, destination, date, cabin):
    found = yield call(
        search_flights, origin=origin, destination=destination, date=date, cabin=cabin
    )
    first, second = found["flights"]
    return (
        f"There are {first['flight_id']} for {first['price']} and {second['flight_id']} for "
        f"{second['price']} euros."
    )


@task(
    "[Get|Buy] {name} the cheapest flight on {date} from {origin} to {destination}.",
    "[Book|Reserve] the cheapest flight from {origin} to {destination} on {date} for {name}.",
    "{name} [wants|needs] the cheapest flight from {origin} to {destination} on {date}, "
    "[book|reserve] it.",
    "For {name}, find and book the cheapest flight on {date} from {origin} to {destination}.",
    origin=CITIES, destination=CITIES, date=DAYS, name=PEOPLE,
    question=Question(
        ("[Buy|Find] the cheapest flight from {origin} to {destination} on {date}.",
         "[Book|Reserve] the cheapest flight from {origin} to {destination} on {date}.",
         "Get me the cheapest flight to {destination} from {origin} on {date}."),
        "[Who is the passenger|What is the name of the passenger]?",
        ("{name}.", "It is {name}."),
    ),
)  # fmt: skip
def book_cheapest_flight(origin, destination, date, name):
    found = yield call(search_flights, origin=origin, destination=destination, date=date)
    cheapest = min(found["flights"], key=lambda flight: flight["price"])
    booked = yield call(book_flight, flight_id=cheapest["flight_id"], passenger=name)
    return f"Flight {booked['flight_id']} is booked for {name} as {booked['booking_id']}."


@task(
    "[Tell me|Show me] [the gate|the status] of flight {flight}.",
    "[Is flight {flight} on time|What is the status of flight {flight}]?",
    "[Check|Look up] the [status|gate] of flight {flight}[, please|].",
    "How is flight {flight} doing?",
    flight=FLIGHT_IDS,
    question=Question(
        ("[Tell me|Show me] the gate of my flight.",
         "Is my flight on time?", "[Check|Look up] the status of my flight."),
        "[Which flight is it|What is the id of your flight]?",
        ("{flight}.", "It is {flight}."),
    ),
)  # fmt: skip
def check_flight(flight):
    found = yield call(search_flight_status, flight_id=flight)
    return f"Flight {flight} is {found['status']} at gate {found['gate']}."


@task(
    "[Get|Find] {name} a hotel in {city} for {nights} nights and [book|reserve] it.",
    "[Book|Reserve] {nights} nights in a hotel in {city} for {name}.",
    "{name} needs a hotel in {city} for {nights} nights, [book|reserve] the first one.",
    "Find a hotel in {city} and book it for {name}, {nights} nights.",
    city=CITIES, nights=NIGHTS, name=PEOPLE,
    question=Question(
        ("[Get|Find] {name} a room in {city}.",
         "[Book|Reserve] a hotel in {city} for {name}.",
         "{name} needs a hotel in {city}."),
        "For how many nights?",
        ("{nights} nights.", "For {nights}."),
    ),
)  # fmt: skip
def book_stay(city, nights, name):
    found = yield call(search_hotels, city=city)
    hotel = found["hotels"][0]["hotel"]
    booked = yield call(book_hotel, hotel=hotel, nights=nights, guest=name)
    return f"{hotel} is booked as {booked['booking_id']}, {booked['total']} euros in total."


@task(
    "[I look for|I need] a hotel in {city} [that costs|for] at most {budget} euros.",
    "[Find|Show me|Which are] hotels in {city} [under|below] {budget} euros.",
    "Where can I [stay|sleep] in {city} for at most {budget} euros?",
    "A hotel in {city}, no more than {budget} euros a night, please.",
    city=CITIES, budget=BUDGETS,
)  # fmt: skip
def find_hotels(city, budget):
    found = yield call(search_hotels, city=city, max_price=budget)
    names = [hotel["hotel"] for hotel in found["hotels"]]
    return f"You can stay at {' or '.join(names)}." if names else "There is no such hotel."


@task(
    "[Please drop|Take back] booking {booking}[, I cannot travel|].",
    "[Cancel|Please cancel|I have to cancel] booking {booking}.",
    "[Undo|Drop] my booking {booking}[, please|].",
    "I no longer need {booking}, cancel it.",
    booking=BOOKING_IDS,
    question=Question(
        ("[Please drop|Take back] my booking.",
         "[Cancel|Please cancel] my booking.", "I have to cancel my trip."),
        "Which booking should I cancel?",
        ("{booking}.", "Booking {booking}."),
    ),
)  # fmt: skip
def cancel_trip(booking):
    cancelled = yield call(cancel_booking, booking_id=booking)
    return f"Booking {booking} is cancelled, you get {cancelled['refund']} euros back."


@task(
    "[Book|Get] {name} the first flight from {origin} to {destination} on {date}, then a "
    "hotel for {nights} nights.",
    "[Send|Bring] {name} from {origin} to {destination} on {date}: first flight, hotel for "
    "{nights} nights.",
    "[Plan|Book] a trip for {name}: the first flight from {origin} to {destination} on {date} and "
    "{nights} nights in a hotel there.",
    "{name} flies from {origin} to {destination} on {date} and stays {nights} nights: book the "
    "first flight and a hotel.",
    origin=CITIES, destination=CITIES, date=DAYS, nights=NIGHTS, name=PEOPLE,
)  # fmt: skip
def plan_trip(origin, destination, date, nights, name):
    found = yield call(search_flights, origin=origin, destination=destination, date=date)
    flight = found["flights"][0]["flight_id"]
    seat = yield call(book_flight, flight_id=flight, passenger=name)
    found = yield call(search_hotels, city=destination)
    hotel = found["hotels"][0]["hotel"]
    room = yield call(book_hotel, hotel=hotel, nights=nights, guest=name)
    return f"Booked: flight {flight} ({seat['booking_id']}) and {hotel} ({room['booking_id']})."
