"""Writing: words explained and exchanged, short texts made for an occasion."""

from typing import Literal

from tl.world.tables import FIRST_NAMES, choice, unknown
from tl.world.tasks import Question, call, task

SCENARIO = "text generation"

# word: (meaning, words of the same meaning, word of the opposite meaning)
WORDS = {
    "brave": ("ready to face danger", ("bold", "daring", "fearless"), "timid"),
    "calm": ("without excitement", ("quiet", "peaceful", "serene"), "nervous"),
    "clever": ("quick to understand", ("smart", "bright", "sharp"), "stupid"),
    "eager": ("wanting something much", ("keen", "avid", "willing"), "bored"),
    "fast": ("at high speed", ("quick", "rapid", "swift"), "slow"),
    "gentle": ("kind and mild", ("soft", "tender", "mild"), "rough"),
    "honest": ("telling the truth", ("sincere", "frank", "open"), "false"),
    "huge": ("very large", ("giant", "vast", "great"), "tiny"),
    "lazy": ("not willing to work", ("idle", "slack", "slow"), "busy"),
    "modern": ("of the present time", ("recent", "new", "current"), "ancient"),
    "polite": ("of good manners", ("civil", "courteous", "kind"), "rude"),
    "proud": ("pleased with oneself", ("vain", "pleased", "content"), "humble"),
    "rich": ("having much money", ("wealthy", "affluent", "loaded"), "poor"),
    "strange": ("not known before", ("odd", "weird", "curious"), "usual"),
    "wrong": ("in error, not correct", ("false", "mistaken", "invalid"), "right"),
}
PRODUCTS = ("coffee", "chocolate", "shampoo", "bakery", "garage", "library", "museum", "airline",
            "hotel", "bicycle", "toothpaste", "lemonade", "insurance", "sunscreen",
            "bookshop")  # fmt: skip
TONES = ("cheerful", "serious", "poetic")
OCCASIONS = ("birthday", "wedding", "graduation", "retirement")
Tone = Literal["cheerful", "serious", "poetic"]
Occasion = Literal["birthday", "wedding", "graduation", "retirement"]


def define_word(word: str) -> dict:
    """The meaning of an English word.

    Args:
        word: The word.

    Example:
        define_word(word='brave')
    """
    if word not in WORDS:
        return unknown("word", word)
    return {"word": word, "meaning": WORDS[word][0]}


def find_synonyms(word: str, limit: int = 2) -> dict:
    """Words of the same meaning.

    Args:
        word: The word.
        limit: Highest number of words.

    Example:
        find_synonyms(word='brave', limit=3)
    """
    if word not in WORDS:
        return unknown("word", word)
    if not 1 <= limit <= 3:
        return {"error": f"limit is {limit}, expected 1 to 3."}
    return {"synonyms": list(WORDS[word][1][:limit])}


def find_opposite(word: str) -> dict:
    """The word of the opposite meaning.

    Args:
        word: The word.

    Example:
        find_opposite(word='brave')
    """
    if word not in WORDS:
        return unknown("word", word)
    return {"opposite": WORDS[word][2]}


def generate_slogan(product: str, tone: Tone = "cheerful") -> dict:
    """Write a slogan for a product.

    Args:
        product: The product.
        tone: How it should sound.

    Example:
        generate_slogan(product='coffee')
        generate_slogan(product='coffee', tone='poetic')
    """
    if tone not in TONES:
        return unknown("tone", tone)
    endings = {"cheerful": ("smile more", "enjoy today"), "serious": ("trust in it", "never fails"),
               "poetic": ("like morning light", "a song of its own")}  # fmt: skip
    return {"slogan": f"The {product}: {choice(product + tone, endings[tone])}."}


def generate_greeting(name: str, occasion: Occasion) -> dict:
    """Write a greeting for an occasion.

    Args:
        name: First name of the person.
        occasion: The occasion.

    Example:
        generate_greeting(name='Clara', occasion='wedding')
    """
    if occasion not in OCCASIONS:
        return unknown("occasion", occasion)
    wish = choice(name + occasion, ("All the best", "Much joy", "Good luck", "Our warmest wishes"))
    return {"text": f"{wish} for your {occasion}, {name}!"}


@task(
    "[What is the meaning of|Define] '{word}'[, please|].",
    "[Explain|Tell me] what '{word}' means.",
    "[Look up|I do not know] the word '{word}', what does it mean?",
    "In plain words, what is '{word}'?",
    word=tuple(WORDS),
)
def explain_word(word):
    found = yield call(define_word, word=word)
    return f"'{word}' is {found['meaning']}."


@task(
    "[Find|Give me] [synonyms|other words] for '{word}'.",
    "[Find|Give me] {count} [synonyms|other words] for '{word}'.",
    "[Which|What] words mean the same as '{word}'?",
    "I need {count} words [instead of|in place of] '{word}'[, please|].",
    "How else can I say '{word}'?",
    word=tuple(WORDS), count=(3,),
    question=Question(
        ("[Find|Give me] [synonyms|other words] for a word.", "I need another word for it.",
         "How else can I say that?"),
        "[For which word|Which word do you mean]?",
        ("'{word}'.", "For '{word}'."),
    ),
)  # fmt: skip
def vary_word(word, count):
    found = yield call(find_synonyms, word=word, limit=count)
    return f"You can say {' or '.join(found['synonyms'])}."


@task(
    "[What is|Find] the opposite of '{word}'[, please|].",
    "[Which|What] word is the opposite of '{word}'?",
    "[Somebody|She] is not '{word}' at all, find the opposite.",
    "The contrary of '{word}', please.",
    word=tuple(WORDS),
)
def turn_word(word):
    found = yield call(find_opposite, word=word)
    return f"The opposite of '{word}' is '{found['opposite']}'."


@task(
    "[Write|Make] a slogan for a '{product}'.",
    "[Write|Make] a {tone} slogan for a '{product}'.",
    "[I need|We need] a {tone} slogan, it is for a '{product}'.",
    "[How could|How should] we advertise a '{product}', in a {tone} tone?",
    "A few catchy words for a '{product}', please.",
    product=PRODUCTS, tone=("serious", "poetic"),
    question=Question(
        ("[Write|Make] a slogan[, please|].", "[I need|We need] a slogan.", "A slogan, please."),
        "[For which product|What is it for]?",
        ("For a '{product}'.", "A '{product}'."),
    ),
)  # fmt: skip
def advertise(product, tone):
    made = yield call(generate_slogan, product=product, tone=tone)
    return f"Take this: {made['slogan']}"


@task(
    "[Write|Make] a greeting for the {occasion} of {name}.",
    "{name} [celebrates|has] a {occasion}, [write|make] a greeting.",
    "[I need|Give me] a few words for {name} on the {occasion}.",
    "For the {occasion} of {name}, a greeting, please.",
    name=FIRST_NAMES, occasion=OCCASIONS,
    question=Question(
        ("[Write|Make] a greeting for {name}.", "[I need|Give me] a greeting for {name}.",
         "A few nice words for {name}, please."),
        "[For which occasion|What is the occasion]?",
        ("A {occasion}.", "The {occasion}."),
    ),
)  # fmt: skip
def congratulate(name, occasion):
    made = yield call(generate_greeting, name=name, occasion=occasion)
    return f"You can write: {made['text']}"


@task(
    "[Find|Look up] the opposite of '{word}' and {count} synonyms of '{word}'.",
    "What is the opposite of '{word}', and what are {count} synonyms of '{word}'?",
    "[Tell me|I want] the opposite of '{word}' and {count} words that mean the same as '{word}'.",
    "Opposite of '{word}' and {count} synonyms of '{word}', please.",
    word=tuple(WORDS), count=(3,), any_order=2,
)  # fmt: skip
def study_word(word, count):
    turned = yield call(find_opposite, word=word)
    found = yield call(find_synonyms, word=word, limit=count)
    return f"Opposite: {turned['opposite']}; synonyms: {', '.join(found['synonyms'])}."
