"""Library: books found by author or topic, their details, copies in the branches, reservations."""

from typing import Literal

from tl.world.tables import LAST_NAMES, PEOPLE, choice, identifiers, number, unknown
from tl.world.tasks import Question, call, task

SCENARIO = "information retrieval"

TOPICS = ("history", "physics", "cooking", "music", "chess", "gardening", "painting", "biology",
          "astronomy",
          "geology", "sailing", "poetry", "logic", "economics", "medicine", "chemistry", "dance",
          "fashion", "politics", "religion", "theatre", "travel", "wine", "fishing",
          "film")  # fmt: skip
TITLES = ("Silent River", "Golden Bridge", "Winter Garden", "Distant Light", "Hidden Door",
          "Broken Mirror", "Paper Moon", "Iron Tower", "Blue Harbour", "Last Train")  # fmt: skip
BRANCHES = ("North", "South", "East", "West", "Centre")
Sorting = Literal["year", "title"]


def search_books(author: str, sort_by: Sorting = "year") -> dict:
    """Find the books of an author.

    Args:
        author: Last name of the author.
        sort_by: Order of the books.

    Example:
        search_books(author='Novak')
        search_books(author='Novak', sort_by='title')
    """
    if author not in LAST_NAMES:
        return unknown("author", author)
    if sort_by not in ("year", "title"):
        return unknown("order", sort_by)
    first = number(author, 100, 899)
    books = [_book(f"B{first + step}") for step in (0, 37)]
    return {"books": sorted(books, key=lambda book: book[sort_by])}


def search_books_by_topic(topic: str, limit: int = 2) -> dict:
    """Find books about a topic.

    Args:
        topic: The topic.
        limit: Highest number of books.

    Example:
        search_books_by_topic(topic='chess', limit=1)
    """
    if topic not in TOPICS:
        return unknown("topic", topic)
    if not 1 <= limit <= 3:
        return {"error": f"limit is {limit}, expected 1 to 3."}
    return {"books": [_book(f"B{number(f'{topic} {n}', 100, 999)}") for n in range(limit)]}


def get_book_details(book_id: str) -> dict:
    """Pages, language and rating of a book.

    Args:
        book_id: Id of the book.

    Example:
        get_book_details(book_id='B314')
    """
    if not _is_book(book_id):
        return unknown("book", book_id)
    language = choice(book_id, ("English", "French", "German", "Spanish"))
    rating = number(book_id + "r", 20, 50) / 10
    return {"pages": number(book_id, 90, 700), "language": language, "rating": rating}


def get_book_copies(book_id: str) -> dict:
    """The branches of the library that have a copy of a book.

    Args:
        book_id: Id of the book.

    Example:
        get_book_copies(book_id='B314')
    """
    if not _is_book(book_id):
        return unknown("book", book_id)
    start = number(book_id, 0, 4)
    return {"branches": [BRANCHES[start], BRANCHES[(start + 2) % 5]]}


def reserve_book(book_id: str, branch: str, reader: str) -> dict:
    """Reserve a copy of a book for a reader.

    Args:
        book_id: Id of the book.
        branch: Branch of the library.
        reader: Full name of the reader.

    Example:
        reserve_book(book_id='B314', branch='North', reader='Clara Sato')
    """
    if not _is_book(book_id):
        return unknown("book", book_id)
    if branch not in BRANCHES:
        return unknown("branch", branch)
    return {"reservation_id": f"RS{number(book_id + branch + reader, 100, 999)}"}


def _book(book_id: str) -> dict:
    year = number(book_id, 1920, 2024)
    return {"book_id": book_id, "title": choice(book_id, TITLES), "year": year}


def _is_book(book_id: str) -> bool:
    return book_id.startswith("B") and book_id[1:].isdecimal() and len(book_id) == 4


BOOK_IDS = identifiers("B", 3, 50)


@task(
    "[List|Look up] what {author} [wrote|has written][, please|].",
    "[Which|What] books [did {author} write|are by {author}]?",
    "[Find|Show me] the books [by|of] {author}, sorted by {order}.",
    "I like {author}, which books are there?",
    author=LAST_NAMES, order=("title",),
    question=Question(
        ("[Show me|List] the books of the author.",
         "[Find|Look for] books of my favourite author.", "Which books did the author write?"),
        "[Who is the author|Which author]?",
        ("{author}.", "It is {author}."),
    ),
)  # fmt: skip
def find_by_author(author, order):
    found = yield call(search_books, author=author, sort_by=order)
    return f"{author} wrote {' and '.join(book['title'] for book in found['books'])}."


@task(
    "[Are there|Do you have] {count} books [on|about] {topic}?",
    "[Find|Show me] books about {topic}.",
    "[Find|Show me] {count} books about {topic}[, please|].",
    "[I want to|I would like to] read {count} books about {topic}.",
    "What do you have on {topic}? {count} books, please.",
    topic=TOPICS, count=(3,),
    question=Question(
        ("[Find|Show me] some books.", "[I want to|I would like to] read something.",
         "[What do you have|Which books are there][ for me|]?"),
        "[About which topic|On which topic]?",
        ("About {topic}.", "{topic}."),
    ),
)  # fmt: skip
def find_by_topic(topic, count):
    found = yield call(search_books_by_topic, topic=topic, limit=count)
    return f"There is {' and '.join(book['title'] for book in found['books'])}."


@task(
    "[Tell me|I want to know] [the language|the rating|more] of book {book}.",
    "[How long is|How many pages has] book {book}?",
    "[Give me|Show me] the details of book {book}.",
    "What is book {book} like?",
    book=BOOK_IDS,
    question=Question(
        ("[Tell me|I want to know] [more|the rating] of the book.",
         "How many pages does the book have?", "Show me the details of the book."),
        "Which book do you mean?",
        ("{book}.", "Book {book}."),
    ),
)
def inspect_book(book):
    found = yield call(get_book_details, book_id=book)
    return f"It has {found['pages']} pages in {found['language']}, rating {found['rating']}."


@task(
    "[In which branch|Where] [do you have|is] book {book}?",
    "[Where can I find|Which branch has] book {book}?",
    "[Is there a copy|Are there copies] of book {book}?",
    "Who has {book} on the shelf?",
    book=BOOK_IDS,
)
def locate_book(book):
    found = yield call(get_book_copies, book_id=book)
    return f"Book {book} is in {' and '.join(found['branches'])}."


@task(
    "[Find|Get] the first book by {author} and [reserve|hold] it for {name}.",
    "[Something|The first thing] by {author} for {name}, [reserve|hold] it.",
    "[Reserve|Hold] a book [by|of] {author} for {name}, the first one that you find.",
    "{name} wants the first book by {author}, [find|get] and reserve it.",
    author=LAST_NAMES, name=PEOPLE,
    question=Question(
        ("[Find|Get] me the first book by {author} and hold it.",
         "[Reserve|Hold] the first book [by|of] {author}.", "Get me the first book by {author}."),
        "Who is the reader?",
        ("{name}.", "For {name}."),
    ),
)  # fmt: skip
def reserve_by_author(author, name):
    found = yield call(search_books, author=author)
    book = found["books"][0]
    copies = yield call(get_book_copies, book_id=book["book_id"])
    branch = copies["branches"][0]
    held = yield call(reserve_book, book_id=book["book_id"], branch=branch, reader=name)
    return f"{book['title']} is held for {name} in {branch}, {held['reservation_id']}."


@task(
    "[Find|Get] a book on {topic}, read its details and [reserve|hold] it for {name}.",
    "[Look for|Look up] {topic}, check the details, [reserve|hold] the first book for {name}.",
    "[Reserve|Hold] a book about {topic} for {name}, but tell me its details too.",
    "{name} wants to read about {topic}: find a book, look at the details, reserve it.",
    topic=TOPICS, name=PEOPLE,
)  # fmt: skip
def reserve_by_topic(topic, name):
    found = yield call(search_books_by_topic, topic=topic)
    book = found["books"][0]
    details = yield call(get_book_details, book_id=book["book_id"])
    copies = yield call(get_book_copies, book_id=book["book_id"])
    branch = copies["branches"][0]
    held = yield call(reserve_book, book_id=book["book_id"], branch=branch, reader=name)
    return f"{book['title']}, {details['pages']} pages, is held as {held['reservation_id']}."
