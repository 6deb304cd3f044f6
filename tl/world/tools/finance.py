"""Finance: stock prices, exchange rates, accounts and transfers."""

from typing import Literal

from tl.world.tables import PEOPLE, identifiers, number, unknown
from tl.world.tasks import Question, call, task

SCENARIO = "financial transactions"

SYMBOLS = tuple(
    "ACM BRT CVX DLT EQN FNX GRD HLM INV JTR KPL LUX MRN NXT OPT PRM QTZ RVN STR TKO UNI VRT WLD "
    "XPR YLD ZEN AXO BLU CDR DRM".split()
)
RATES = {"EUR": 100, "USD": 108, "GBP": 86, "JPY": 16200, "CHF": 95, "SEK": 1140, "CAD": 147,
         "AUD": 165, "INR": 9050, "BRL": 590, "PLN": 430, "KRW": 145000}  # fmt: skip
Speed = Literal["standard", "instant"]


def get_stock_price(symbol: str) -> dict:
    """The present price of a stock, in USD.

    Args:
        symbol: Symbol of the stock.

    Example:
        get_stock_price(symbol='ACM')
    """
    if symbol not in SYMBOLS:
        return unknown("symbol", symbol)
    return {"symbol": symbol, "price": number(symbol, 12, 480), "currency": "USD"}


def get_stock_history(symbol: str, days: int = 3) -> dict:
    """The closing prices of a stock on the last days.

    Args:
        symbol: Symbol of the stock.
        days: Number of days, at most 5.

    Example:
        get_stock_history(symbol='ZEN', days=4)
    """
    if symbol not in SYMBOLS:
        return unknown("symbol", symbol)
    if not 1 <= days <= 5:
        return {"error": f"days is {days}, expected 1 to 5."}
    return {"symbol": symbol, "prices": [number(f"{symbol} -{d}", 12, 480) for d in range(days)]}


def get_stock_news(symbol: str) -> dict:
    """The latest headline about a stock.

    Args:
        symbol: Symbol of the stock.

    Example:
        get_stock_news(symbol='LUX')
    """
    if symbol not in SYMBOLS:
        return unknown("symbol", symbol)
    headlines = ("{} beats the forecast", "{} admits an error in its report", "{} opens a plant",
                 "{} not supported by its bank", "{} hires a new director")  # fmt: skip
    return {"headline": headlines[number(f"{symbol} news", 0, 4)].format(symbol)}


def get_exchange_rate(from_currency: str, to_currency: str) -> dict:
    """How much one unit of a currency is worth in another.

    Args:
        from_currency: Currency code to change from.
        to_currency: Currency code to change to.

    Example:
        get_exchange_rate(from_currency='EUR', to_currency='USD')
    """
    for code in (from_currency, to_currency):
        if code not in RATES:
            return unknown("currency", code)
    return {"rate": round(RATES[to_currency] / RATES[from_currency], 2)}


def convert_currency(amount: float, from_currency: str, to_currency: str) -> dict:
    """Convert an amount of money into another currency.

    Args:
        amount: The amount.
        from_currency: Its currency code.
        to_currency: Currency code to convert to.

    Example:
        convert_currency(amount=250, from_currency='EUR', to_currency='SEK')
    """
    for code in (from_currency, to_currency):
        if code not in RATES:
            return unknown("currency", code)
    if amount <= 0:
        return {"error": "The amount must be positive."}
    rate = RATES[to_currency] / RATES[from_currency]
    return {"amount": round(amount * rate), "currency": to_currency}


def get_account_balance(account_id: str) -> dict:
    """The balance of an account, in euros.

    Args:
        account_id: Id of the account.

    Example:
        get_account_balance(account_id='AC7305')
    """
    if not _is_account(account_id):
        return unknown("account", account_id)
    return {"account_id": account_id, "balance": number(account_id, 300, 9800)}


def transfer_money(account_id: str, recipient: str, amount: int, speed: Speed = "standard") -> dict:
    """Transfer euros from an account to a person.

    Args:
        account_id: Id of the account to pay from.
        recipient: Full name of the person.
        amount: Amount in euros.
        speed: How fast it is sent.

    Example:
        transfer_money(account_id='AC7305', recipient='Nora Lund', amount=120)
    """
    if not _is_account(account_id):
        return unknown("account", account_id)
    if speed not in ("standard", "instant"):
        return unknown("speed", speed)
    if amount > number(account_id, 300, 9800):
        return {"error": "The balance is too low."}
    return {"transfer_id": f"TR{number(account_id + recipient + str(amount), 1000, 9999)}"}


def _is_account(account_id: str) -> bool:
    return account_id.startswith("AC") and account_id[2:].isdecimal() and len(account_id) == 6


ACCOUNTS = identifiers("AC", 4, 60)
AMOUNTS = tuple(range(20, 300, 7))
CURRENCIES = tuple(RATES)


@task(
    "[Quote|Look up] the [stock|share] {symbol}[, please|].",
    "[What is|What was] the [price|stock price] of {symbol}?",
    "[How much is one share of {symbol}|What does one share of {symbol} cost][ now|]?",
    "Price of {symbol}, please.",
    symbol=SYMBOLS,
    question=Question(
        ("[Quote|Check] a share for me.",
         "What is the stock price[ now|]?", "Look up a stock price for me."),
        "[Of which stock|Which symbol]?",
        ("{symbol}.", "Of {symbol}."),
    ),
)
def price_stock(symbol):
    found = yield call(get_stock_price, symbol=symbol)
    return f"{symbol} costs {found['price']} {found['currency']}."


@task(
    "[List|Get] the closing prices of {symbol} for {days} days.",
    "[Show me|Give me] the prices of {symbol} on the last {days} days.",
    "How did {symbol} [do|close] in the last {days} days?",
    "The last {days} closing prices of {symbol}, please.",
    symbol=SYMBOLS, days=(2, 4, 5),
)  # fmt: skip
def follow_stock(symbol, days):
    found = yield call(get_stock_history, symbol=symbol, days=days)
    return f"{symbol} closed at {', '.join(map(str, found['prices']))}."


@task(
    "[What is new|Is there something new] [at|about] {symbol}?",
    "[What is the news about|Any news about] {symbol}?",
    "[Find|Read me] the latest headline about {symbol}.",
    "What do the papers say about {symbol}?",
    symbol=SYMBOLS,
    question=Question(
        ("[Any|Is there] news about my stock?", "[Find|Read me] the latest headline.",
         "What do the papers say about it?"),
        "[About which stock|Which symbol]?",
        ("{symbol}.", "About {symbol}."),
    ),
)
def read_stock_news(symbol):
    found = yield call(get_stock_news, symbol=symbol)
    return f"The headline is: {found['headline']}."


@task(
    "[Turn|Swap] {amount} {source} into {target}[, please|].",
    "[Convert|Change] {amount} {source} [to|into] {target}.",
    "How much is {amount} {source} in {target}?",
    "I have {amount} {source}, what is that in {target}?",
    amount=AMOUNTS, source=CURRENCIES, target=CURRENCIES,
    question=Question(
        ("[Change|Swap] {amount} {source} for me.",
         "[Convert|Change] {amount} {source}.", "What are {amount} {source} worth?"),
        "[Into which currency|In which currency]?",
        ("{target}.", "In {target}, please."),
    ),
)  # fmt: skip
def exchange(amount, source, target):
    found = yield call(convert_currency, amount=amount, from_currency=source, to_currency=target)
    return f"{amount} {source} are {found['amount']} {found['currency']}."


@task(
    "[How much is one|What do I pay for one] {source} in {target}?",
    "[What is|Look up] the exchange rate from {source} to {target}.",
    "[How many|What is the number of] {target} per {source}?",
    "Exchange rate {source} to {target}?",
    source=CURRENCIES, target=CURRENCIES,
    question=Question(
        ("[What is|Look up] the exchange rate of {source}.", "Exchange rate of {source}?",
         "[How much is|What do I get for] one {source}?"),
        "[In which currency|Against which currency]?",
        ("{target}.", "In {target}."),
    ),
)  # fmt: skip
def look_up_rate(source, target):
    found = yield call(get_exchange_rate, from_currency=source, to_currency=target)
    return f"One {source} is {found['rate']} {target}."


@task(
    "[I want|I need] the price of {symbol} in {target}, not in USD.",
    "{symbol} in {target}: [what does one share cost|what is one share worth]?",
    "[What does|How much does] one share of {symbol} cost in {target}?",
    "Get the price of {symbol} and [convert|change] it to {target}.",
    symbol=SYMBOLS, target=tuple(code for code in CURRENCIES if code != "USD"),
)  # fmt: skip
def price_stock_abroad(symbol, target):
    found = yield call(get_stock_price, symbol=symbol)
    worth = yield call(
        convert_currency,
        amount=found["price"],
        from_currency=found["currency"],
        to_currency=target,
    )
    return f"{symbol} costs {worth['amount']} {target}."


@task(
    "[Tell me|I need] the balance of account {account}[, please|].",
    "How much[ money|] is on account {account}?",
    "[Check|Show me] the balance of account {account}.",
    "Balance of {account}?",
    account=ACCOUNTS,
    question=Question(
        ("[Tell me|I need] my balance[, please|].",
         "How much money do I have?", "[Check|Show me] my balance."),
        "[Which account|What is the id of your account]?",
        ("{account}.", "Account {account}."),
    ),
)
def check_balance(account):
    found = yield call(get_account_balance, account_id=account)
    return f"Account {account} has {found['balance']} euros."


@task(
    "[Move|Wire] {amount} euros to {name} from account {account}.",
    "[Send|Transfer|Pay] {amount} euros from account {account} to {name}.",
    "{name} gets {amount} euros from account {account}, [send|transfer] them.",
    "[Make|Do] an {speed} transfer of {amount} euros from account {account} to {name}.",
    "Account {account} owes {name} {amount} euros, pay that.",
    amount=AMOUNTS, account=ACCOUNTS, name=PEOPLE, speed=("instant",),
    question=Question(
        ("[Wire|Move] {amount} euros out of account {account}.",
         "[Send|Transfer] {amount} euros from account {account}.",
         "Pay {amount} euros from account {account}."),
        "Who should get the money?",
        ("{name}.", "It goes to {name}."),
    ),
)  # fmt: skip
def pay(amount, account, name, speed):
    sent = yield call(
        transfer_money, account_id=account, recipient=name, amount=amount, speed=speed
    )
    return f"{amount} euros were sent to {name}, transfer {sent['transfer_id']}."


@task(
    "[See|Look] what account {account} has, then [pay|wire] {amount} euros to {name}.",
    "[Pay|Wire] {name} {amount} euros, but check the balance of {account} first.",
    "[Check|Look up] the balance of {account}, then [send|transfer] {amount} euros to {name}.",
    "If account {account} has {amount} euros, [send|transfer] them to {name}.",
    amount=AMOUNTS, account=ACCOUNTS, name=PEOPLE,
)  # fmt: skip
def pay_if_possible(amount, account, name):
    found = yield call(get_account_balance, account_id=account)
    if found["balance"] < amount:
        return f"Account {account} has only {found['balance']} euros."
    sent = yield call(transfer_money, account_id=account, recipient=name, amount=amount)
    return f"{amount} euros were sent to {name}, transfer {sent['transfer_id']}."
