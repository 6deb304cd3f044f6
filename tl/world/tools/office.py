"""Office: the calendar, the address book and the mail of a small company."""

from datetime import date as calendar_date

from tl.world.tables import DAYS, PEOPLE, choice, number, unknown
from tl.world.tasks import Question, call, task

SCENARIO = "application manipulation"

EVENTS = ("Budget", "Design", "Hiring", "Planning", "Safety", "Sales", "Strategy", "Training",
          "Travel", "Review", "Launch", "Quality", "Research", "Support", "Delivery")  # fmt: skip
PRIORITIES = ("low", "normal", "high")


def create_event(title: str, date: str, start: str, attendees: list[str]) -> dict:
    """Put an event into the calendar.

    Args:
        title: Title of the event.
        date: Day of the event.
        start: Time of day.
        attendees: Mail addresses of the guests.

    Example:
        create_event(title='Sale', date='2025-03-09', start='10:30', attendees=['a.berg@corp.com'])
    """
    calendar_date.fromisoformat(date)
    hour, _, minute = start.partition(":")
    if not (int(hour) < 24 and int(minute) < 60):
        return {"error": f"There is no time {start}."}
    for address in attendees:
        if "@" not in address:
            return unknown("mail address", address)
    return {"event_id": f"EV{number(title + date + start, 100, 999)}", "invited": len(attendees)}


def list_events(date: str) -> dict:
    """The events in the calendar on a day.

    Args:
        date: The day.

    Example:
        list_events(date='2025-03-09')
    """
    day = calendar_date.fromisoformat(date).isoformat()
    starts = (f"{number(day, 8, 11):02}:30", f"{number(day + 'pm', 13, 17)}:00")
    return {"events": [_event(day, start) for start in starts]}


def delete_event(event_id: str) -> dict:
    """Remove an event from the calendar.

    Args:
        event_id: Id of the event.

    Example:
        delete_event(event_id='EV310')
    """
    if not _is_event(event_id):
        return unknown("event", event_id)
    return {"event_id": event_id, "deleted": True}


def move_event(event_id: str, date: str) -> dict:
    """Move an event to another day.

    Args:
        event_id: Id of the event.
        date: The new day.

    Example:
        move_event(event_id='EV310', date='2025-04-20')
    """
    if not _is_event(event_id):
        return unknown("event", event_id)
    return {"event_id": event_id, "date": calendar_date.fromisoformat(date).isoformat()}


def find_contact(name: str) -> dict:
    """The mail address and telephone number of a person.

    Args:
        name: Full name of the person.

    Example:
        find_contact(name='Anna Berg')
    """
    if name not in PEOPLE:
        return unknown("contact", name)
    first, last = name.lower().split()
    phone = str(number(name, 2000, 9999))
    return {"name": name, "mail": f"{first[0]}.{last}@corp.com", "phone": phone}


def find_free_room(date: str, seats: int) -> dict:
    """A meeting room that is free on a day.

    Args:
        date: The day.
        seats: Number of seats that are needed.

    Example:
        find_free_room(date='2025-03-09', seats=8)
    """
    if not 1 <= seats <= 40:
        return {"error": f"No room has {seats} seats."}
    day = calendar_date.fromisoformat(date).isoformat()
    return {"room": choice(f"{day} {seats}", ("Amber", "Coral", "Jade", "Onyx", "Pearl"))}


def send_mail(to: str, subject: str, text: str, priority: str = "normal") -> dict:
    """Send a mail.

    Args:
        to: Mail address.
        subject: Subject of the mail.
        text: Text of the mail.
        priority: low, normal or high.

    Example:
        send_mail(to='a.berg@corp.com', subject='Budget', text='See you there.')
    """
    if "@" not in to:
        return unknown("mail address", to)
    if priority not in PRIORITIES:
        return unknown("priority", priority)
    return {"mail_id": f"ML{number(to + subject + text, 100, 999)}", "sent": True}


def _event(day: str, start: str) -> dict:
    title = choice(day + start, EVENTS)
    event_id = f"EV{number(title + day + start, 100, 999)}"
    return {"event_id": event_id, "title": title, "start": start}


def _is_event(event_id: str) -> bool:
    return event_id.startswith("EV") and event_id[2:].isdecimal() and len(event_id) == 5


TIMES = tuple(f"{hour}:{minute}" for hour in range(10, 18) for minute in ("00", "15", "30", "45"))
NOTES = ("See you there.", "Please call me.", "I am late.", "Bring the report.", "All is ready.",
         "Thank you very much.", "We start early.", "It was moved.", "Lunch is served.",
         "Please confirm.")  # fmt: skip
SEATS = tuple(range(4, 31))


@task(
    "[Which|What] events [are there|do I have] on {date}?",
    "[What is|What do I have] in my calendar on {date}?",
    "[Show me|List] my events on {date}.",
    "Am I busy on {date}?",
    date=DAYS,
    question=Question(
        ("[Which|What] events do I have?",
         "What is in my calendar?", "[Show me|List] my events."),
        "For which day?",
        ("{date}.", "On {date}."),
    ),
)
def read_calendar(date):
    found = yield call(list_events, date=date)
    one, two = found["events"]
    return f"On {date}: {one['title']} at {one['start']} and {two['title']} at {two['start']}."


@task(
    "[Make|Create] an event {title} on {date} at {start} and [invite|ask] {name}.",
    "[Invite|Ask] {name} to a {title} [meeting|event] on {date} at {start}.",
    "[Plan|Set up] a {title} meeting with {name} on {date} at {start}.",
    "{name} and I meet on {date} at {start}, the subject is {title}: put it in.",
    name=PEOPLE, title=EVENTS, date=DAYS, start=TIMES,
    question=Question(
        ("[Make|Create] an event {title} with {name} on {date}.",
         "[Invite|Ask] {name} to a {title} meeting on {date}.",
         "[Plan|Set up] a {title} meeting with {name} on {date}."),
        "At what time?",
        ("At {start}.", "{start}."),
    ),
)  # fmt: skip
def invite(name, title, date, start):
    contact = yield call(find_contact, name=name)
    made = yield call(
        create_event, title=title, date=date, start=start, attendees=[contact["mail"]]
    )
    return f"{name} is invited to {title}, {made['event_id']}."


@task(
    "[Plan|Set up] {title} with {first} and {second} on {date} at {start}.",
    "On {date} at {start} I [meet|see] {first} and {second} for {title}, [invite|ask] them.",
    "[Invite|Ask] {first} and {second} to {title} on {date} at {start}.",
    "A {title} meeting of {first} and {second} on {date} at {start}, please.",
    first=PEOPLE, second=PEOPLE, title=EVENTS, date=DAYS, start=TIMES, any_order=2,
)  # fmt: skip
def invite_two(first, second, title, date, start):
    one = yield call(find_contact, name=first)
    two = yield call(find_contact, name=second)
    guests = [one["mail"], two["mail"]]
    made = yield call(create_event, title=title, date=date, start=start, attendees=guests)
    return f"{first} and {second} are invited to {title}, {made['event_id']}."


@task(
    "[Drop|Take out] the first [event|meeting] of {date}[, please|].",
    "[Cancel|Delete|Remove] my first event on {date}.",
    "[I cannot make it|I am ill] on {date}, [cancel|delete] the first event.",
    "The first event on {date} is off, remove it.",
    date=DAYS,
)
def clear_morning(date):
    found = yield call(list_events, date=date)
    event = found["events"][0]
    yield call(delete_event, event_id=event["event_id"])
    return f"{event['title']} at {event['start']} on {date} is deleted."


@task(
    "[Put|Take] the first event of {date} to {day}[, please|].",
    "[I need|I want] my first event on {date} [moved|shifted] to {day}.",
    "[Move|Shift] my first event on {date} to {day}.",
    "The first event on {date} should be on {day}, [move|shift] it.",
    date=DAYS, day=DAYS,
)  # fmt: skip
def move_first_event(date, day):
    found = yield call(list_events, date=date)
    event = found["events"][0]
    yield call(move_event, event_id=event["event_id"], date=day)
    return f"{event['title']} was moved to {day}."


@task(
    "[Write|Send] '{note}' to {name}, [subject|about] {subject}.",
    "[Send|Write] {name} a mail about {subject}: '{note}'",
    "[Mail|Tell] {name} '{note}', [the subject is|with the subject] {subject}.",
    "Let {name} know by mail: '{note}' Subject: {subject}.",
    name=PEOPLE, subject=EVENTS, note=NOTES,
    question=Question(
        ("[Mail|Send out] '{note}', the subject is {subject}.",
         "[Send|Write] a mail about {subject}: '{note}'",
         "Mail '{note}' with the subject {subject}."),
        "[Who should get it|To whom]?",
        ("{name}.", "To {name}."),
    ),
)  # fmt: skip
def write_to(name, subject, note):
    contact = yield call(find_contact, name=name)
    sent = yield call(send_mail, to=contact["mail"], subject=subject, text=note)
    return f"The mail to {name} was sent as {sent['mail_id']}."


@task(
    "What is the [mail address|telephone number] of {name}?",
    "[I need|Give me] the [mail address|telephone number] of {name}.",
    "How can I reach {name}?",
    "[Look up|Find] {name} in the address book.",
    name=PEOPLE,
)
def look_up_person(name):
    found = yield call(find_contact, name=name)
    return f"You reach {name} at {found['mail']} or {found['phone']}."


@task(
    "[I need|We need] a room [with|for] {seats} seats on {date}.",
    "[Find|Get] a [free room|room] for {seats} people on {date}.",
    "We are {seats} people on {date}, which room is free?",
    "Where can {seats} people meet on {date}?",
    seats=SEATS, date=DAYS,
    question=Question(
        ("[Find|Get] a room on {date}.", "[I need|We need] a meeting room on {date}.",
         "Where can we meet on {date}?"),
        "[For how many people|How many seats]?",
        ("{seats} people.", "For {seats}."),
    ),
)  # fmt: skip
def find_room(seats, date):
    found = yield call(find_free_room, date=date, seats=seats)
    return f"Room {found['room']} is free on {date}."
