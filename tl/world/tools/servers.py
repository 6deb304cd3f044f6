"""Servers: their state, logs and documentation. What these tools return often speaks of errors
without being one, which is what a classifier of feedback has to tell apart.
"""

from typing import Literal

from tl.world.tables import choice, number, unknown
from tl.world.tasks import Question, call, task

SCENARIO = "data understanding"

SERVICES = ("billing", "search", "login", "gateway", "mailer", "storage", "reports", "backup",
            "queue", "cache", "orders", "images", "metrics", "tickets", "exports")  # fmt: skip
LINES = {
    "error": ("ERROR timeout of db", "ERROR disk is full", "ERROR name 'x' is not defined",
              "ERROR connection error", "ERROR invalid token"),
    "warning": ("WARN slow answer", "WARN 2 failed logins", "WARN low memory"),
    "info": ("INFO started", "INFO 0 errors", "INFO backup done"),
}  # fmt: skip
PAGES = {
    "TypeError": "Raised as 'unexpected keyword argument' when a name is wrong.",
    "KeyError": "Raised when a key is not found.",
    "ValueError": "Raised for an invalid value.",
    "timeout": "Seconds until a connection error is reported.",
    "retry": "How often a failed request is sent again.",
    "login": "How users sign in.",
    "quota": "How much may be stored.",
    "webhook": "Called after each event.",
    "token": "An invalid token gives error 401.",
    "export": "Data as a table.",
    "import": "Rows with errors are listed.",
    "region": "Where data is stored.",
}
Level = Literal["error", "warning", "info"]


def get_service_status(service: str) -> dict:
    """Whether a service runs.

    Args:
        service: Name of the service.

    Example:
        get_service_status(service='billing')
    """
    if service not in SERVICES:
        return unknown("service", service)
    return {"service": service, "state": choice(service, ("running", "degraded", "failed"))}


def get_service_log(service: str, level: Level = "error") -> dict:
    """The latest lines in the log of a service.

    Args:
        service: Name of the service.
        level: Kind of lines.

    Example:
        get_service_log(service='billing')
        get_service_log(service='billing', level='info')
    """
    if service not in SERVICES:
        return unknown("service", service)
    if level not in LINES:
        return unknown("level", level)
    lines = LINES[level]
    start = number(service, 0, len(lines) - 1)
    return {"lines": [lines[start], lines[(start + 1) % len(lines)]]}


def get_service_errors(service: str, hours: int = 24) -> dict:
    """How many errors a service had in the last hours.

    Args:
        service: Name of the service.
        hours: Number of hours, at most 72.

    Example:
        get_service_errors(service='login', hours=6)
    """
    if service not in SERVICES:
        return unknown("service", service)
    if not 1 <= hours <= 72:
        return {"error": f"hours is {hours}, expected 1 to 72."}
    return {"service": service, "errors": number(f"{service} {hours}", 0, 60)}


def restart_service(service: str, force: bool = False) -> dict:
    """Stop and start a service.

    Args:
        service: Name of the service.
        force: Whether to stop it at once.

    Example:
        restart_service(service='queue')
        restart_service(service='queue', force=True)
    """
    if service not in SERVICES:
        return unknown("service", service)
    if force not in (True, False):
        return unknown("value of force", force)
    return {"service": service, "state": "running", "job": f"JB{number(service, 100, 999)}"}


def search_documentation(term: str) -> dict:
    """Look up a term in the documentation.

    Args:
        term: The term.

    Example:
        search_documentation(term='KeyError')
    """
    if term not in PAGES:
        return {"error": f"No page about {term!r}."}
    return {"term": term, "text": PAGES[term]}


def compute_statistics(values: list[float], decimals: int = 1) -> dict:
    """Mean and range of numbers.

    Args:
        values: The numbers.
        decimals: Digits after the point.

    Example:
        compute_statistics(values=[3, 5, 10])
    """
    mean = round(sum(values) / len(values), decimals)
    return {"mean": mean, "error": None, "low": min(values), "high": max(values)}


HOURS = tuple(range(2, 72, 3))
NUMBERS = tuple(range(2, 99))


@task(
    "[Tell me|Show me] the state of the service {service}[, please|].",
    "[Is the service {service} up|Does the service {service} run]?",
    "[How is|What is the state of] the service {service}?",
    "Check whether {service} runs.",
    service=SERVICES,
    question=Question(
        ("[Tell me|I want to know] if the service runs.",
         "Is the service up?", "[Check|What is] the state of the service."),
        "Which service?",
        ("{service}.", "The service {service}."),
    ),
)
def check_service(service):
    found = yield call(get_service_status, service=service)
    return f"The service {service} is {found['state']}."


@task(
    "[Get|Print] the {level} lines of {service}[, please|].",
    "[Show me|Read] the log of {service}.",
    "[Show me|What are] the latest {level} lines [of|from] {service}.",
    "What does the {level} log of {service} say?",
    service=SERVICES, level=("warning", "info"),
)  # fmt: skip
def read_log(service, level):
    found = yield call(get_service_log, service=service, level=level)
    return f"The log says: {'; '.join(found['lines'])}."


@task(
    "[I need|Give me] the number of errors of {service} for {hours} hours.",
    "[How many errors|What number of errors] did {service} have in the last {hours} hours?",
    "[Count|Tell me] the errors of {service} in {hours} hours.",
    "Errors of {service} over {hours} hours?",
    service=SERVICES, hours=HOURS,
    question=Question(
        ("[Count|Tell me] the errors in {hours} hours.", "[How many errors|What errors] were there "
         "in the last {hours} hours?", "The number of errors in {hours} hours, please."),
        "[Of which service|Which service]?",
        ("{service}.", "Of {service}."),
    ),
)  # fmt: skip
def count_errors(service, hours):
    found = yield call(get_service_errors, service=service, hours=hours)
    return f"The service {service} had {found['errors']} errors in {hours} hours."


@task(
    "[Read|Check] the manual about '{term}'[, please|].",
    "What does the documentation say [about|on] '{term}'?",
    "[Search|Look up] '{term}' in the documentation.",
    "Where in the manual is '{term}' explained?",
    term=tuple(PAGES),
)
def read_manual(term):
    found = yield call(search_documentation, term=term)
    return f"The documentation says: {found['text']}"


@task(
    "[First the state|State] of {service}, then its log, then a restart[, please|].",
    "[Repair|Fix] {service}: [look at|check] the state, read the log, restart.",
    "[Check|Look at] {service}, read its log and restart it.",
    "{service} makes trouble: get its state, its log, then restart it.",
    service=SERVICES,
)
def repair_service(service):
    status = yield call(get_service_status, service=service)
    log = yield call(get_service_log, service=service)
    done = yield call(restart_service, service=service)
    return f"It was {status['state']} ({log['lines'][0]}); restarted as {done['job']}."


@task(
    "[Start|Boot] the service {service} again[, please|].",
    "[Restart|Please restart] the service {service}.",
    "{service} should be stopped and started[, please|].",
    "Give {service} a restart.",
    service=SERVICES,
)
def restart(service):
    done = yield call(restart_service, service=service)
    return f"The service {service} is {done['state']}, job {done['job']}."


@task(
    "What are the mean and the range [of|for] {a}, {b} and {c}?",
    "[What is|Compute] the mean of {a}, {b} and {c}.",
    "[Give me|I need] mean and range of {a}, {b} and {c}.",
    "Statistics of {a}, {b} and {c}, please.",
    a=NUMBERS, b=NUMBERS, c=NUMBERS,
)  # fmt: skip
def average(a, b, c):
    found = yield call(compute_statistics, values=[a, b, c])
    return f"The mean is {found['mean']}, from {found['low']} to {found['high']}."


@task(
    "[Count|Get] the errors of {one} and of {two} in {hours} hours, then their mean.",
    "[How many errors|What errors] had {one} and {two} in {hours} hours, and what is the mean?",
    "Compare the errors of {one} and {two} in {hours} hours and give me the mean.",
    "Mean number of errors of {one} and {two} in the last {hours} hours?",
    one=SERVICES, two=SERVICES, hours=HOURS, any_order=2,
)  # fmt: skip
def compare_errors(one, two, hours):
    first = yield call(get_service_errors, service=one, hours=hours)
    second = yield call(get_service_errors, service=two, hours=hours)
    found = yield call(compute_statistics, values=[first["errors"], second["errors"]])
    return f"{one}: {first['errors']}, {two}: {second['errors']}, mean: {found['mean']}."
