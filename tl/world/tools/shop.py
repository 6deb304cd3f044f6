"""Shop: products searched, ordered, tracked and returned."""

from typing import Literal, TypedDict

from tl.world.tables import CITIES, PEOPLE, choice, identifiers, number, unknown
from tl.world.tasks import Question, call, task

SCENARIO = "personal life"

GOODS = ("lamp", "kettle", "backpack", "camera", "guitar", "bicycle", "tent", "blender", "printer",
         "jacket", "watch", "mirror", "carpet", "helmet", "radio", "chair", "desk", "kite",
         "drone", "piano")  # fmt: skip
BRANDS = ("Nova", "Alto", "Vela", "Orion", "Terra", "Luma", "Brio", "Zeta")
REASONS = ("damaged", "late", "wrong")
Reason = Literal["damaged", "late", "wrong"]


class OrderLine(TypedDict):
    product_id: str
    quantity: int


def search_products(keyword: str, max_price: int | None = None) -> dict:
    """Find products in the shop.

    Args:
        keyword: What the product is.
        max_price: Highest price in euros.

    Example:
        search_products(keyword='lamp')
        search_products(keyword='lamp', max_price=90)
    """
    if keyword not in GOODS:
        return {"products": []}
    products = [_product(f"P{number(f'{keyword} {n}', 100, 999)}", keyword) for n in range(2)]
    return {"products": [p for p in products if max_price is None or p["price"] <= max_price]}


def search_product_reviews(product_id: str) -> dict:
    """What customers say about a product.

    Args:
        product_id: Id of the product.

    Example:
        search_product_reviews(product_id='P271')
    """
    if not _has_form(product_id, "P", 3):
        return unknown("product", product_id)
    opinion = choice(
        product_id,
        ("works without error", "good value", "invalid manual, fine product", "not as described"),
    )
    return {"stars": number(product_id, 1, 5), "review": opinion}


def get_product_stock(product_id: str) -> dict:
    """How many pieces of a product are in stock.

    Args:
        product_id: Id of the product.

    Example:
        get_product_stock(product_id='P271')
    """
    if not _has_form(product_id, "P", 3):
        return unknown("product", product_id)
    return {"product_id": product_id, "in_stock": number(product_id + "s", 8, 90)}


def place_order(items: list[OrderLine], city: str, customer: str) -> dict:
    """Order products.

    Args:
        items: Products and quantities.
        city: City of delivery.
        customer: Full name of the customer.

    Example:
        place_order(items=[{'product_id': 'P271', 'quantity': 2}], city='Oslo', customer='Leo Sato')
    """
    for item in items:
        if not _has_form(item["product_id"], "P", 3):
            return unknown("product", item["product_id"])
        if item["quantity"] < 1:
            return {"error": "A quantity is at least 1."}
    if city not in CITIES:
        return unknown("city", city)
    return {"order_id": f"OR{number(f'{items} {city} {customer}', 1000, 9999)}"}


def track_order(order_id: str) -> dict:
    """Where an order is.

    Args:
        order_id: Id of the order.

    Example:
        track_order(order_id='OR5518')
    """
    if not _has_form(order_id, "OR", 4):
        return unknown("order", order_id)
    place = choice(order_id, ("packed", "shipped", "at customs", "delivered", "failed delivery"))
    return {"order_id": order_id, "status": place, "days_left": number(order_id, 0, 9)}


def return_order(order_id: str, reason: Reason) -> dict:
    """Send an order back.

    Args:
        order_id: Id of the order.
        reason: Why it is sent back.

    Example:
        return_order(order_id='OR5518', reason='damaged')
    """
    if not _has_form(order_id, "OR", 4):
        return unknown("order", order_id)
    if reason not in REASONS:
        return unknown("reason", reason)
    return {"return_id": f"RT{number(order_id + reason, 100, 999)}"}


def _product(product_id: str, keyword: str) -> dict:
    name = f"{choice(product_id, BRANDS)} {keyword}"
    return {"product_id": product_id, "name": name, "price": number(product_id, 15, 320)}


def _has_form(identifier: str, prefix: str, digits: int) -> bool:
    """Whether an id is the prefix and so many digits."""
    rest = identifier.removeprefix(prefix)
    return rest != identifier and rest.isdecimal() and len(rest) == digits


ORDER_IDS = identifiers("OR", 4, 60)
PRODUCT_IDS = identifiers("P", 3, 50)
LIMITS = tuple(range(60, 330, 10))
QUANTITIES = (2, 3, 4, 5, 6, 7)


@task(
    "[Find|Show me|Look for] a '{keyword}' [under|below] {limit} euros.",
    "[Do you have|Do you sell] a '{keyword}'?",
    "[I need|I want] a '{keyword}'[, what is there|, what do you have]?",
    "What is the price of a '{keyword}'?",
    keyword=GOODS, limit=LIMITS,
)  # fmt: skip
def find_products(keyword, limit):
    found = yield call(search_products, keyword=keyword, max_price=limit)
    names = [f"{p['name']} for {p['price']} euros" for p in found["products"]]
    return f"There is {' and '.join(names)}." if names else "There is no such product."


@task(
    "What is the [state|status] of order {order}[ now|]?",
    "[Where is|What happened to] [order|my order] {order}?",
    "[Track|Follow] order {order}[, please|].",
    "When does order {order} arrive?",
    order=ORDER_IDS,
    question=Question(
        ("[Tell me|I need] the status of my order.",
         "Where is my order?", "[Track|Follow] my order."),
        "What is the id of the order?",
        ("{order}.", "Order {order}."),
    ),
)
def follow_order(order):
    found = yield call(track_order, order_id=order)
    return f"Order {order} is {found['status']}, {found['days_left']} days left."


@task(
    "[Take back|Please take back] order {order}, [it is|the reason is] {reason}.",
    "[Order {order} is|Order {order} was] {reason}, send it back.",
    "[Return|Send back] order {order}, it was {reason}.",
    "I want to return {order} because it is {reason}.",
    order=ORDER_IDS, reason=REASONS,
    question=Question(
        ("[Take back|Please take back] order {order}.",
         "[Return|Send back] order {order}.", "I do not want order {order}."),
        "[Why|For which reason]?",
        ("It is {reason}.", "{reason}."),
    ),
)  # fmt: skip
def send_back(order, reason):
    found = yield call(return_order, order_id=order, reason=reason)
    return f"Order {order} goes back as {found['return_id']}."


@task(
    "[Are|Were] customers [happy|content] with product {product}?",
    "[What do customers say about|How good is] product {product}?",
    "[Show me|Read] the reviews of product {product}.",
    "Is product {product} any good?",
    product=PRODUCT_IDS,
)
def read_reviews(product):
    found = yield call(search_product_reviews, product_id=product)
    return f"Product {product} has {found['stars']} stars: {found['review']}."


@task(
    "[Are there|Do you have] pieces of {product} [left|in stock]?",
    "[How many|What number] of product {product} do you have?",
    "Is product {product} in stock?",
    "[Check|Look up] the stock of product {product}.",
    product=PRODUCT_IDS,
)
def check_stock(product):
    found = yield call(get_product_stock, product_id=product)
    return f"There are {found['in_stock']} pieces of {product}."


@task(
    "[I want|Please send] {count} of the first '{keyword}', for {name} in {city}.",
    "[Find|Look for] a '{keyword}' and send {count} of the first to {name} in {city}.",
    "[Order|Buy] {count} of the first '{keyword}' for {name} in {city}.",
    "{name} in {city} needs {count} pieces of the first '{keyword}', [order|buy] them.",
    keyword=GOODS, count=QUANTITIES, name=PEOPLE, city=CITIES,
    question=Question(
        ("[Send|Get] {name} {count} of the first '{keyword}'.",
         "[Order|Buy] {count} of the first '{keyword}' for {name}.",
         "{name} needs {count} pieces of the first '{keyword}'."),
        "[Where should it be sent|To which city]?",
        ("{city}.", "To {city}."),
    ),
)  # fmt: skip
def order_first(keyword, count, name, city):
    found = yield call(search_products, keyword=keyword)
    product = found["products"][0]
    items = [{"product_id": product["product_id"], "quantity": count}]
    placed = yield call(place_order, items=items, city=city, customer=name)
    return f"{count} of {product['name']} ordered for {name} as {placed['order_id']}."


@task(
    "[Find|Take] the cheapest '{keyword}', check reviews and stock, [send|order] {count} "
    "to {name} in {city}.",
    "{count} of the cheapest '{keyword}' for {name} in {city}, [but read|after reading] "
    "the reviews and the stock.",
    "If it is in stock, [order|buy] {count} of the cheapest '{keyword}' for {name} in {city}.",
    "{name} in {city} wants {count} of the cheapest '{keyword}'; check the reviews and the stock, "
    "then order.",
    keyword=GOODS, count=QUANTITIES, name=PEOPLE, city=CITIES,
)  # fmt: skip
def order_with_care(keyword, count, name, city):
    found = yield call(search_products, keyword=keyword)
    product = min(found["products"], key=lambda p: p["price"])["product_id"]
    reviews = yield call(search_product_reviews, product_id=product)
    stock = yield call(get_product_stock, product_id=product)
    if stock["in_stock"] < count:
        return f"Only {stock['in_stock']} of {product} are left."
    items = [{"product_id": product, "quantity": count}]
    placed = yield call(place_order, items=items, city=city, customer=name)
    return f"{product} ({reviews['stars']} stars) is ordered as {placed['order_id']}."
