"""Recipes: found by what is at hand, scaled to the guests, turned into a shopping list."""

from typing import TypedDict

from tl.world.tables import choice, identifiers, number, unknown
from tl.world.tasks import Question, call, task

SCENARIO = "personal life"

INGREDIENTS = ("rice", "tofu", "salmon", "spinach", "mushroom", "lentil", "potato", "pumpkin",
               "chicken", "tomato", "carrot", "cabbage", "avocado", "shrimp", "eggplant", "bean",
               "leek", "pepper", "corn", "mango")  # fmt: skip
DISHES = ("bowl", "gratin", "soup", "salad", "pie", "curry", "roast", "wrap")
ADVICE = ("Stir well.", "Not for raw eggs.", "Cover the pot.", "If it failed, add water.",
          "Serve hot.", "Season to taste.")  # fmt: skip


class Item(TypedDict):
    name: str
    grams: int


def search_recipes(ingredient: str, max_minutes: int | None = None) -> dict:
    """Find recipes with an ingredient.

    Args:
        ingredient: The ingredient.
        max_minutes: Longest time of cooking.

    Example:
        search_recipes(ingredient='rice')
        search_recipes(ingredient='rice', max_minutes=30)
    """
    if ingredient not in INGREDIENTS:
        return unknown("ingredient", ingredient)
    recipes = []
    for place in range(2):
        recipe_id = f"RC{number(f'{ingredient} {place}', 100, 999)}"
        minutes = number(recipe_id, 15, 90)
        if max_minutes is None or minutes <= max_minutes:
            title = f"{ingredient} {choice(recipe_id, DISHES)}"
            recipes.append({"recipe_id": recipe_id, "title": title, "minutes": minutes})
    return {"recipes": recipes}


def get_recipe_steps(recipe_id: str) -> dict:
    """How a recipe is cooked.

    Args:
        recipe_id: Id of the recipe.

    Example:
        get_recipe_steps(recipe_id='RC271')
    """
    if not _is_recipe(recipe_id):
        return unknown("recipe", recipe_id)
    start = number(recipe_id, 0, 5)
    steps = [ADVICE[start], ADVICE[(start + 2) % 6]]
    return {"steps": steps, "oven": number(recipe_id, 14, 23) * 10}


def get_recipe_nutrition(recipe_id: str, servings: int = 1) -> dict:
    """Calories and protein of a recipe.

    Args:
        recipe_id: Id of the recipe.
        servings: Number of servings.

    Example:
        get_recipe_nutrition(recipe_id='RC271', servings=2)
    """
    if not _is_recipe(recipe_id):
        return unknown("recipe", recipe_id)
    if servings < 1:
        return {"error": "There is at least 1 serving."}
    calories, protein = number(recipe_id, 180, 900), number(recipe_id, 4, 60)
    return {"calories": servings * calories, "protein": servings * protein}


def scale_recipe(recipe_id: str, guests: int) -> dict:
    """How much a recipe needs for a number of guests.

    Args:
        recipe_id: Id of the recipe.
        guests: Number of guests.

    Example:
        scale_recipe(recipe_id='RC271', guests=6)
    """
    if not _is_recipe(recipe_id):
        return unknown("recipe", recipe_id)
    if not 1 <= guests <= 40:
        return {"error": f"guests is {guests}, expected 1 to 40."}
    return {"recipe_id": recipe_id, "grams": guests * number(recipe_id, 90, 260)}


def create_shopping_list(items: list[Item], store: str) -> dict:
    """Write a shopping list.

    Args:
        items: What to buy and how much.
        store: Where to buy it.

    Example:
        create_shopping_list(items=[{'name': 'rice', 'grams': 500}], store='market')
    """
    for item in items:
        if item["grams"] < 1:
            return {"error": f"There is no {item['grams']} grams of {item['name']}."}
    if store not in STORES:
        return unknown("store", store)
    return {"list_id": f"LS{number(f'{items} {store}', 100, 999)}", "items": len(items)}


def _is_recipe(recipe_id: str) -> bool:
    return recipe_id.startswith("RC") and recipe_id[2:].isdecimal() and len(recipe_id) == 5


STORES = ("market", "grocery", "bakery", "butcher", "farm", "kiosk", "bazaar", "discounter",
          "pharmacy", "wholesale")  # fmt: skip
RECIPE_IDS = identifiers("RC", 3, 50)
TIMES = tuple(range(20, 95, 5))
GUESTS = tuple(range(2, 31))
GRAMS = tuple(range(150, 1500, 50))


@task(
    "What [can|could] I cook with '{ingredient}'?",
    "[Find|Show me] a recipe with '{ingredient}' [under|below] {minutes} minutes.",
    "I have '{ingredient}' and {minutes} minutes, what can I [cook|make]?",
    "[Any ideas|Something] with '{ingredient}'[, please|]?",
    ingredient=INGREDIENTS, minutes=TIMES,
    question=Question(
        ("What [can|could] I cook[ today|]?", "[I am hungry|I want to cook], what can I "
         "make?", "Any ideas for dinner?"),
        "[Which ingredient do you have|What is at hand]?",
        ("'{ingredient}'.", "I have '{ingredient}'."),
    ),
)  # fmt: skip
def find_recipe(ingredient, minutes):
    found = yield call(search_recipes, ingredient=ingredient, max_minutes=minutes)
    titles = [recipe["title"] for recipe in found["recipes"]]
    return f"You can cook {' or '.join(titles)}." if titles else "There is no such recipe."


@task(
    "[How do I cook recipe {recipe}|How is recipe {recipe} made]?",
    "[Show me|Read me] the steps of recipe {recipe}.",
    "[What do I do|How do I begin] with {recipe}?",
    "The steps of {recipe}, please.",
    recipe=RECIPE_IDS,
    question=Question(
        ("[How do I cook it|How is it made]?", "[Show me|Read me] the steps of the recipe.",
         "The steps, please."),
        "Which recipe is it?",
        ("{recipe}.", "Recipe {recipe}."),
    ),
)  # fmt: skip
def read_steps(recipe):
    found = yield call(get_recipe_steps, recipe_id=recipe)
    return f"{' '.join(found['steps'])} The oven has {found['oven']} degrees."


@task(
    "[How many calories has|How healthy is] recipe {recipe}?",
    "[How many calories have|What is in] {servings} servings of {recipe}?",
    "[Tell me|Show me] the nutrition of {servings} servings of recipe {recipe}.",
    "Calories and protein of {recipe}, please.",
    recipe=RECIPE_IDS, servings=(2, 3, 4, 5, 6),
)  # fmt: skip
def count_calories(recipe, servings):
    found = yield call(get_recipe_nutrition, recipe_id=recipe, servings=servings)
    return f"It has {found['calories']} calories and {found['protein']} g of protein."


@task(
    "[How much do I need|What do I need] of {recipe} for {guests} guests?",
    "[Scale|Adapt] recipe {recipe} to {guests} guests.",
    "[We are|I expect] {guests} guests, how much of {recipe} is that?",
    "{recipe} for {guests} people, please.",
    recipe=RECIPE_IDS, guests=GUESTS,
    question=Question(
        ("[How much do I need|What do I need] of {recipe}?", "[Scale|Adapt] recipe {recipe}.",
         "{recipe} for my guests, please."),
        "[For how many guests|How many guests are there]?",
        ("{guests}.", "For {guests} guests."),
    ),
)  # fmt: skip
def cook_for(recipe, guests):
    found = yield call(scale_recipe, recipe_id=recipe, guests=guests)
    return f"For {guests} guests you need {found['grams']} grams."


@task(
    "[Put|Write] {a} grams of '{one}' and {b} grams of '{two}' on a list for the '{store}'.",
    "[Make|Write] a shopping list for the '{store}': {a} grams of '{one}', {b} grams of '{two}'.",
    "[I need|We need] {a} grams of '{one}' and {b} grams of '{two}' from the '{store}', list it.",
    "At the '{store}' I have to buy '{one}' ({a} grams) and '{two}' ({b} grams), note it.",
    a=GRAMS, one=INGREDIENTS, b=GRAMS, two=INGREDIENTS, store=STORES,
)  # fmt: skip
def write_list(a, one, b, two, store):
    items = [{"name": one, "grams": a}, {"name": two, "grams": b}]
    made = yield call(create_shopping_list, items=items, store=store)
    return f"The list {made['list_id']} has {made['items']} items."


@task(
    "[Find|Take] the first recipe with '{ingredient}' and scale it to {guests} guests.",
    "{guests} guests come and I have '{ingredient}': how much of the first recipe do I need?",
    "[I cook|We cook] the first thing with '{ingredient}' for {guests} guests, how much is it?",
    "The first '{ingredient}' recipe for {guests} guests, please.",
    ingredient=INGREDIENTS, guests=GUESTS,
)  # fmt: skip
def cook_first(ingredient, guests):
    found = yield call(search_recipes, ingredient=ingredient)
    recipe = found["recipes"][0]
    scaled = yield call(scale_recipe, recipe_id=recipe["recipe_id"], guests=guests)
    return f"You need {scaled['grams']} grams for {recipe['title']}."
