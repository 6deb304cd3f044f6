"""Text: counting, changing and translating short texts."""

from typing import Literal

from tl.world.tables import FIRST_NAMES, unknown
from tl.world.tasks import Question, call, task

SCENARIO = "text generation"

DICTIONARY = {
    "bread": ("pain", "pan", "Brot"), "water": ("eau", "agua", "Wasser"),
    "house": ("maison", "casa", "Haus"), "friend": ("ami", "amigo", "Freund"),
    "night": ("nuit", "noche", "Nacht"), "tree": ("arbre", "arbol", "Baum"),
    "horse": ("cheval", "caballo", "Pferd"), "milk": ("lait", "leche", "Milch"),
    "green": ("vert", "verde", "gruen"), "small": ("petit", "chico", "klein"),
    "error": ("erreur", "error", "Fehler"), "window": ("fenetre", "ventana", "Fenster"),
}  # fmt: skip
LANGUAGES = ("French", "Spanish", "German")
Style = Literal["upper", "lower", "title"]


def text_count_words(text: str) -> dict:
    """Count the words of a text.

    Args:
        text: The text.

    Example:
        text_count_words(text='old green tree')
    """
    return {"words": len(text.split())}


def text_count_letter(text: str, letter: str) -> dict:
    """Count how often a letter stands in a text.

    Args:
        text: The text.
        letter: The letter.

    Example:
        text_count_letter(text='old green tree', letter='e')
    """
    if len(letter) != 1:
        return {"error": f"{letter!r} is not one letter."}
    return {"letter": letter, "count": text.count(letter)}


def text_convert_case(text: str, style: Style) -> dict:
    """Write a text in upper case, lower case or title case.

    Args:
        text: The text.
        style: How to write it.

    Example:
        text_convert_case(text='old green tree', style='title')
    """
    styles = {"upper": text.upper, "lower": text.lower, "title": text.title}
    return {"text": styles[style]()}


def text_replace_word(text: str, old: str, new: str) -> dict:
    """Replace a word in a text.

    Args:
        text: The text.
        old: Word to replace.
        new: Word to put in its place.

    Example:
        text_replace_word(text='old green tree', old='green', new='small')
    """
    if old not in text.split():
        return {"error": f"The text has no word {old!r}."}
    return {"text": " ".join(new if word == old else word for word in text.split())}


def text_sort_words(words: list[str], reverse: bool = False) -> dict:
    """Sort words by the alphabet.

    Args:
        words: The words.
        reverse: Whether the last one comes first.

    Example:
        text_sort_words(words=['pear', 'apple'])
        text_sort_words(words=['pear', 'apple'], reverse=True)
    """
    return {"words": sorted((word.strip() for word in words), reverse=reverse)}


def translate_word(word: str, language: str) -> dict:
    """Translate an English word.

    Args:
        word: The word.
        language: Language to translate to.

    Example:
        translate_word(word='bread', language='French')
    """
    if word not in DICTIONARY:
        return unknown("word", word)
    if language not in LANGUAGES:
        return unknown("language", language)
    return {"translation": DICTIONARY[word][LANGUAGES.index(language)]}


ADJECTIVES = ("old", "green", "small", "quiet", "happy", "bright", "cold", "heavy", "sweet", "red")
PHRASES = tuple(
    f"{one} {two} {noun}"
    for number, noun in enumerate(("tree", "house", "horse", "friend", "window", "night"))
    for place, one in enumerate(ADJECTIVES)
    for two in (ADJECTIVES[(place + number + 1) % len(ADJECTIVES)],)
)
LETTERS = tuple("aeinorst")


@task(
    "'{text}': [how many words|what number of words] is that?",
    "[How many words are|Count the words] in '{text}'?",
    "[Tell me|What is] the number of words in '{text}'.",
    "How long is '{text}' in words?",
    text=PHRASES,
)
def count_words(text):
    found = yield call(text_count_words, text=text)
    return f"It has {found['words']} words."


@task(
    "[Find|Tell me] how often {letter} [stands|is] in '{text}'.",
    "How often [is the letter {letter}|does the letter {letter} stand] in '{text}'?",
    "Count the [letters|letter] {letter} in '{text}'[, please|].",
    "Look at '{text}': how many times {letter}?",
    text=PHRASES, letter=LETTERS,
    question=Question(
        ("[Find|Tell me] how often [a|the] letter is in '{text}'.",
         "Count [a|the] letter in '{text}'.", "How often is the letter in '{text}'?"),
        "Which letter?",
        ("{letter}.", "The letter {letter}."),
    ),
)  # fmt: skip
def count_letter(text, letter):
    found = yield call(text_count_letter, text=text, letter=letter)
    return f"The letter {letter} is there {found['count']} times."


@task(
    "[Turn|Bring] '{text}' into {style} case[, please|].",
    "[Write|Put] '{text}' in {style} case.",
    "[Convert|Change] '{text}' to {style} case[, please|].",
    "I need '{text}' in {style} case.",
    text=PHRASES, style=("upper", "lower", "title"),
    question=Question(
        ("[Turn|Bring] '{text}' into another case.",
         "[Convert|Change] the case of '{text}'.", "Write '{text}' in another case."),
        "To which case: upper, lower or title?",
        ("{style}.", "To {style} case."),
    ),
)  # fmt: skip
def change_case(text, style):
    found = yield call(text_convert_case, text=text, style=style)
    return f"Here it is: {found['text']}"


@task(
    "[Change|Turn] 'green' to '{new}' in '{text}' and count the words.",
    "'{text}' with '{new}' instead of 'green', [how many words is it|count the words]?",
    "In '{text}' [replace|exchange] 'green' by '{new}', then count the words.",
    "Take '{text}', put '{new}' for 'green' and tell me the number of words.",
    text=tuple(text for text in PHRASES if "green" in text), new=("blue", "dark", "new", "fine"),
)  # fmt: skip
def replace_and_count(text, new):
    changed = yield call(text_replace_word, text=text, old="green", new=new)
    found = yield call(text_count_words, text=changed["text"])
    return f"{changed['text']} has {found['words']} words."


@task(
    "In '{text}' [replace|exchange] 'green' by '{new}', then count the letter {letter}.",
    "Put '{new}' for 'green' in '{text}': how many times is {letter} in [it|the result]?",
    "[Change|Turn] 'green' to '{new}' in '{text}' and count the letter {letter}.",
    "With '{new}' instead of 'green', how often has '{text}' the letter {letter}?",
    text=tuple(text for text in PHRASES if "green" in text), new=("blue", "dark", "new", "fine"),
    letter=LETTERS,
)  # fmt: skip
def replace_and_count_letter(text, new, letter):
    changed = yield call(text_replace_word, text=text, old="green", new=new)
    found = yield call(text_count_letter, text=changed["text"], letter=letter)
    return f"The letter {letter} is there {found['count']} times."


@task(
    "[Which|What] is the order of the names {one}, {two} and {three}?",
    "[Sort|Order] the names {one}, {two} and {three}.",
    "[Put|Bring] {one}, {two} and {three} in the order of the alphabet.",
    "Who comes first in the alphabet: {one}, {two} or {three}?",
    one=FIRST_NAMES, two=FIRST_NAMES, three=FIRST_NAMES,
)  # fmt: skip
def sort_names(one, two, three):
    found = yield call(text_sort_words, words=[one, two, three])
    return f"In order: {', '.join(found['words'])}."


@task(
    "[What does|How does] one say '{word}' in {language}?",
    "[What is|How do you say] '{word}' in {language}?",
    "[Translate|Put] '{word}' [into|to] {language}.",
    "The {language} word for '{word}', please.",
    word=tuple(DICTIONARY), language=LANGUAGES,
    question=Question(
        ("[What is|How do you say] '{word}' in that language?",
         "[Translate|Can you translate] '{word}'.", "I need the word '{word}' in my language."),
        "[Into which language|Which language]?",
        ("{language}.", "Into {language}."),
    ),
)  # fmt: skip
def translate(word, language):
    found = yield call(translate_word, word=word, language=language)
    return f"'{word}' is '{found['translation']}' in {language}."


@task(
    "[Give me|I need] '{word}' in {language}, [all|written] in {style} case.",
    "[Find|Look up] the {language} word for '{word}', then write it in {style} case.",
    "[Translate|Put] '{word}' into {language} and write it in {style} case.",
    "The {language} word for '{word}' in {style} case, please.",
    word=tuple(DICTIONARY), language=LANGUAGES, style=("upper", "title"),
)  # fmt: skip
def translate_in_case(word, language, style):
    found = yield call(translate_word, word=word, language=language)
    written = yield call(text_convert_case, text=found["translation"], style=style)
    return f"Here it is: {written['text']}"
