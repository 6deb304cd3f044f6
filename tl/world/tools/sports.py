"""Sports: results, schedules and tables of the teams, numbers of the players, tickets."""

from datetime import date as calendar_date
from typing import Literal

from tl.world.tables import CITIES, DAYS, PEOPLE, choice, number, unknown
from tl.world.tasks import Question, call, task

SCENARIO = "real-time search"

LEAGUES = ("football", "hockey", "handball")
League = Literal["football", "hockey", "handball"]


def get_match_result(team: str, date: str) -> dict:
    """The result of a team's match on a day.

    Args:
        team: City of the team.
        date: Day of the match.

    Example:
        get_match_result(team='Milan', date='2025-03-09')
    """
    if team not in CITIES:
        return unknown("team", team)
    key = f"{team} {calendar_date.fromisoformat(date)}"
    opponent = choice(key, [city for city in CITIES if city != team])
    return {"opponent": opponent, "score": f"{number(key, 0, 5)}:{number(key + 'o', 0, 5)}"}


def get_match_schedule(team: str, limit: int = 2) -> dict:
    """The next matches of a team.

    Args:
        team: City of the team.
        limit: Highest number of matches.

    Example:
        get_match_schedule(team='Milan', limit=3)
    """
    if team not in CITIES:
        return unknown("team", team)
    if not 1 <= limit <= 4:
        return {"error": f"limit is {limit}, expected 1 to 4."}
    return {"matches": [_match(f"{team} {place}") for place in range(limit)]}


def get_league_table(league: League, season: int) -> dict:
    """The best teams of a league in a season.

    Args:
        league: The sport.
        season: Year in which the season began.

    Example:
        get_league_table(league='hockey', season=2019)
    """
    if league not in LEAGUES:
        return unknown("league", league)
    if season < 1960:
        return {"error": f"No table of {season}, they start in 1960."}
    start = number(f"{league} {season}", 0, len(CITIES) - 1)
    return {"table": [CITIES[(start + 7 * place) % len(CITIES)] for place in range(3)]}


def get_player_numbers(player: str, season: int | None = None) -> dict:
    """Goals and matches of a player.

    Args:
        player: Full name of the player.
        season: Year in which the season began.

    Example:
        get_player_numbers(player='Pavel Vega', season=2019)
    """
    if player not in PEOPLE:
        return unknown("player", player)
    key = f"{player} {season}"
    goals, matches = number(key, 0, 40), number(key, 12, 50)
    return {"goals": goals, "matches": matches, "errors": number(key, 0, 9)}


def buy_ticket(match_id: str, seats: int, name: str) -> dict:
    """Buy tickets for a match.

    Args:
        match_id: Id of the match.
        seats: Number of seats.
        name: Full name of the buyer.

    Example:
        buy_ticket(match_id='MT314', seats=2, name='Anna Berg')
    """
    if not (match_id.startswith("MT") and match_id[2:].isdecimal() and len(match_id) == 5):
        return unknown("match", match_id)
    if not 1 <= seats <= 9:
        return {"error": f"seats is {seats}, expected 1 to 9."}
    return {"ticket_id": f"TK{number(match_id + name, 100, 999)}", "price": seats * 14}


def _match(key: str) -> dict:
    return {"match_id": f"MT{number(key, 100, 999)}", "opponent": choice(key, CITIES),
            "date": choice(key, DAYS)}  # fmt: skip


SEASONS = tuple(range(1961, 2024))
SEATS = (2, 3, 4, 5, 6)


@task(
    "How did {team} [play|do] on {date}?",
    "[Tell me|Give me] the result of {team} on {date}.",
    "Did {team} [win|lose] on {date}?",
    "The score of the {team} match on {date}, please.",
    team=CITIES, date=DAYS,
    question=Question(
        ("How did {team} [play|do]?", "[Tell me|Give me] the result of {team}.",
         "The score of the {team} match, please."),
        "[On which day|Which day]?",
        ("On {date}.", "{date}."),
    ),
)  # fmt: skip
def check_result(team, date):
    found = yield call(get_match_result, team=team, date=date)
    return f"{team} played {found['score']} against {found['opponent']}."


@task(
    "[When does|Against whom does] {team} play next?",
    "[Show me|What are] the next {count} matches of {team}.",
    "[Which|What] {count} matches come next for {team}?",
    "The schedule of {team}[, please|].",
    team=CITIES, count=(3, 4),
    question=Question(
        ("[When|Against whom] do they play next?", "Show me the next matches of my team.",
         "[The|Give me the] schedule, please."),
        "[Which team|Of which team]?",
        ("{team}.", "The team of {team}."),
    ),
)  # fmt: skip
def look_up_schedule(team, count):
    found = yield call(get_match_schedule, team=team, limit=count)
    first = found["matches"][0]
    return f"{team} plays {first['opponent']} on {first['date']}."


@task(
    "[Who won|Who led] the {league} league in {season}?",
    "[Show me|Give me] the {league} table of {season}.",
    "[Which|What] teams were best in {league} in {season}?",
    "{league} in {season}, how did the season end?",
    league=LEAGUES, season=SEASONS,
    question=Question(
        ("[Who won|Who led] the {league} league?", "[Show me|Give me] the {league} table.",
         "Which teams were best in {league}?"),
        "[Of which season|In which year]?",
        ("{season}.", "In {season}."),
    ),
)  # fmt: skip
def read_table(league, season):
    found = yield call(get_league_table, league=league, season=season)
    return f"The best were {', '.join(found['table'])}."


@task(
    "[How many goals did|How often did] {player} score?",
    "[How many goals did|How often did] {player} score in {season}?",
    "[Show me|Give me] the numbers of {player} in {season}.",
    "The statistics of {player}[ for {season}|], please.",
    player=PEOPLE, season=SEASONS,
)  # fmt: skip
def look_up_player(player, season):
    found = yield call(get_player_numbers, player=player, season=season)
    return f"{player} scored {found['goals']} goals in {found['matches']} matches."


@task(
    "[Buy|Get] {seats} seats for the next match of {team} for {name}.",
    "{name} wants to see the next match of {team}, [buy|get] {seats} seats.",
    "[I am|My name is] {name} and need {seats} tickets for the next match of {team}.",
    "{seats} tickets to the next {team} match in the name of {name}, please.",
    seats=SEATS, team=CITIES, name=PEOPLE,
    question=Question(
        ("[Buy|Get] {seats} seats for the next match of {team}.",
         "I want to see the next match of {team} with {seats} seats.",
         "{seats} tickets to the next {team} match, please."),
        "In whose name?",
        ("{name}.", "In the name of {name}."),
    ),
)  # fmt: skip
def see_match(seats, team, name):
    found = yield call(get_match_schedule, team=team)
    match = found["matches"][0]
    bought = yield call(buy_ticket, match_id=match["match_id"], seats=seats, name=name)
    return f"{seats} seats are bought as {bought['ticket_id']} for {bought['price']} euros."
