"""Music: songs and playlists found, put together and played in the rooms of a house."""

from typing import Literal, TypedDict

from tl.world.tables import LAST_NAMES, choice, identifiers, number, unknown
from tl.world.tasks import Question, call, task

SCENARIO = "application manipulation"

ROOMS = ("kitchen", "bedroom", "garage", "office", "hall", "studio", "cellar", "terrace", "library",
         "nursery")  # fmt: skip
STATIONS = tuple("Aurora Capital Delta Echo Fusion Galaxy Horizon Island Jazzline Kosmos Lagoon "
                 "Metro Nordic Oasis Pulse".split())  # fmt: skip
MOODS = ("calm", "happy", "sad", "wild")
NAMES = ("Midnight", "Error in Love", "Summer Rain", "Not Found", "Golden Days", "Slow Dance",
         "Failed Again", "Open Road", "Silver Moon", "Last Call")  # fmt: skip
Mood = Literal["calm", "happy", "sad", "wild"]


class Years(TypedDict):
    first: int
    last: int


def search_songs(artist: str, years: Years | None = None) -> dict:
    """Find the songs of an artist.

    Args:
        artist: Last name of the artist.
        years: Years of release.

    Example:
        search_songs(artist='Rossi')
        search_songs(artist='Rossi', years={'first': 1990, 'last': 1999})
    """
    if artist not in LAST_NAMES:
        return unknown("artist", artist)
    first, last = (years["first"], years["last"]) if years else (1970, 2024)
    if last < first:
        return {"error": f"The years end in {last}, before {first}."}
    ids = [f"SG{number(f'{artist} {n} {first} {last}', 100, 999)}" for n in range(2)]
    return {"songs": [{"song_id": i, "title": choice(i, NAMES)} for i in ids]}


def search_playlists(mood: Mood, minutes: int = 30) -> dict:
    """Find a playlist that suits a mood.

    Args:
        mood: The mood.
        minutes: Length, at most 180.

    Example:
        search_playlists(mood='calm', minutes=45)
    """
    if mood not in MOODS:
        return unknown("mood", mood)
    if not 5 <= minutes <= 180:
        return {"error": f"minutes is {minutes}, expected 5 to 180."}
    return {"playlist_id": f"PL{number(f'{mood} {minutes}', 100, 999)}", "minutes": minutes}


def create_playlist(title: str, songs: list[str]) -> dict:
    """Make a playlist of songs.

    Args:
        title: Title of the playlist.
        songs: Ids of the songs.

    Example:
        create_playlist(title='Aurora', songs=['SG314', 'SG271'])
    """
    for song in songs:
        if not _has_form(song, "SG"):
            return unknown("song", song)
    return {"playlist_id": f"PL{number(title + ' '.join(songs), 100, 999)}", "songs": len(songs)}


def play_song(song_id: str, room: str, volume: int = 5) -> dict:
    """Play a song in a room.

    Args:
        song_id: Id of the song.
        room: The room.
        volume: From 1 to 9.

    Example:
        play_song(song_id='SG314', room='kitchen', volume=7)
    """
    if not _has_form(song_id, "SG"):
        return unknown("song", song_id)
    if room not in ROOMS:
        return unknown("room", room)
    if not 1 <= volume <= 9:
        return {"error": f"volume is {volume}, expected 1 to 9."}
    return {"playing": song_id, "seconds": number(song_id, 120, 320)}


def play_radio(station: str, room: str) -> dict:
    """Play a radio station in a room.

    Args:
        station: Name of the station.
        room: The room.

    Example:
        play_radio(station='Aurora', room='kitchen')
    """
    if station not in STATIONS:
        return unknown("station", station)
    if room not in ROOMS:
        return unknown("room", room)
    return {"station": station, "now": choice(station + room, NAMES)}


def stop_music(room: str) -> dict:
    """Stop the music in a room.

    Args:
        room: The room.

    Example:
        stop_music(room='kitchen')
    """
    if room not in ROOMS:
        return unknown("room", room)
    return {"room": room, "playing": None, "minutes_played": number(room, 3, 90)}


def _has_form(identifier: str, prefix: str) -> bool:
    rest = identifier.removeprefix(prefix)
    return rest != identifier and rest.isdecimal() and len(rest) == 3


SONG_IDS = identifiers("SG", 3, 50)
STARTS, ENDS = tuple(range(1970, 1996)), tuple(range(1996, 2024))
LENGTHS = tuple(range(10, 175, 5))
VOLUMES = (2, 3, 4, 6, 7, 8)


@task(
    "[Find|Show me|Look up] [songs|the songs] [by|of] {artist}.",
    "[Which|What] songs [did {artist} sing|are by {artist}]?",
    "[Find|Show me] songs by {artist} from {first} to {last}.",
    "[I want to hear|I am looking for] {artist}, songs from {first} to {last}.",
    "What has {artist} recorded[ so far|]?",
    artist=LAST_NAMES, first=STARTS, last=ENDS,
    question=Question(
        ("[Find|Show me] [songs|the songs] of my favourite artist.",
         "[Which songs are by the artist|What did the artist sing]?",
         "Look up some songs for me."),
        "[Which artist|Who is the artist]?",
        ("{artist}.", "Songs by {artist}."),
    ),
)  # fmt: skip
def find_songs(artist, first, last):
    years = None if first is None else {"first": first, "last": last}
    found = yield call(search_songs, artist=artist, years=years)
    return f"There is {' and '.join(song['title'] for song in found['songs'])}."


@task(
    "[Play|Put on] song {song} in the '{room}'.",
    "[Play|Put on] {song} in the '{room}' at volume {volume}.",
    "[I want|I would like] to hear {song} in the '{room}'[, please|].",
    "In the '{room}', [play|start] {song} with volume {volume}.",
    "Let {song} sound in the '{room}'.",
    song=SONG_IDS, room=ROOMS, volume=VOLUMES,
    question=Question(
        ("[Play|Put on] song {song}.", "[I want|I would like] to hear {song}.", "Start {song}."),
        "In which room?",
        ("In the '{room}'.", "The '{room}'."),
    ),
)  # fmt: skip
def play_one(song, room, volume):
    found = yield call(play_song, song_id=song, room=room, volume=volume)
    return f"{song} plays in the {room} for {found['seconds']} seconds."


@task(
    "[Turn on|Play] [radio|the station] {station} in the '{room}'.",
    "[I want|I would like] [radio|to hear] {station} in the '{room}'.",
    "[Put|Switch] the radio in the '{room}' to {station}[, please|].",
    "Radio {station} for the '{room}'[, please|].",
    station=STATIONS, room=ROOMS,
    question=Question(
        ("[Turn on|Play] the radio in the '{room}'.", "[I want|I need] radio in the '{room}'.",
         "Some radio for the '{room}'."),
        "[Which station|What station]?",
        ("{station}.", "Radio {station}."),
    ),
)  # fmt: skip
def listen_to_radio(station, room):
    found = yield call(play_radio, station=station, room=room)
    return f"{station} plays {found['now']}."


@task(
    "[Stop|Turn off] the music in the '{room}'.",
    "[Silence|Quiet] in the '{room}'[, please|]!",
    "[No more|Enough] music in the '{room}'[, please|].",
    "The music in the '{room}' [should|must] stop.",
    room=ROOMS,
)
def silence(room):
    found = yield call(stop_music, room=room)
    return f"The music in the {room} stopped after {found['minutes_played']} minutes."


@task(
    "[Find|Get] me a {mood} playlist[, please|].",
    "[Find|Get] me a {mood} playlist of {minutes} minutes.",
    "[I need|I want] {minutes} minutes of {mood} music.",
    "[I feel|I am] {mood}, which playlist [suits|fits] me for {minutes} minutes?",
    "For {minutes} minutes of {mood} mood, what is there?",
    mood=MOODS, minutes=LENGTHS,
)  # fmt: skip
def suit_the_mood(mood, minutes):
    found = yield call(search_playlists, mood=mood, minutes=minutes)
    return f"Take playlist {found['playlist_id']}, {found['minutes']} minutes."


@task(
    "[Play|Put on] the first song [by|of] {artist} in the '{room}'.",
    "[Find|Look up] {artist} and play the first song in the '{room}'.",
    "In the '{room}' I want to hear {artist}, [take|play] the first song.",
    "{artist} in the '{room}', the first song you find.",
    artist=LAST_NAMES, room=ROOMS,
)  # fmt: skip
def play_artist(artist, room):
    found = yield call(search_songs, artist=artist)
    song = found["songs"][0]
    yield call(play_song, song_id=song["song_id"], room=room)
    return f"{song['title']} plays in the {room}."


@task(
    "[Make|Create] a playlist '{title}' with the songs [by|of] {artist}.",
    "[Find|Look up] the songs of {artist} and [make|create] a playlist '{title}'.",
    "[I want|I need] a playlist called '{title}' with all songs by {artist}.",
    "All of {artist} in one playlist named '{title}'[, please|].",
    artist=LAST_NAMES, title=STATIONS,
)  # fmt: skip
def collect_songs(artist, title):
    found = yield call(search_songs, artist=artist)
    songs = [song["song_id"] for song in found["songs"]]
    made = yield call(create_playlist, title=title, songs=songs)
    return f"Playlist {title} has {made['songs']} songs, {made['playlist_id']}."
