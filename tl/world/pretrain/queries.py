"""Requests and what serves them in other languages than Python: tables with SQL, procedures with
settings. A function's name, its parameters and values stand there between other signs.

    create table apartments (city text, rooms integer); -- Look for apartments.

    -- Show me apartments with 3 rooms in Brinor.
    select * from apartments where city = 'Brinor' and rooms = 3;
"""

import random

from tl.world.pretrain.manuals import ask, draw_mixed
from tl.world.pretrain.modules import Function, draw_values
from tl.world.pretrain.values import Words

SQL_TYPES = {"str": "text", "int": "integer", "float": "real", "list": "text[]"}
# How a request is served: {n} name, {v} values with their names.
STATEMENTS = (
    ("select * from {n} where {v};", " and "),
    ("select count(*) from {n} where {v};", " and "),
    ("update {n} set {v};", ", "),
    ("call {n} {v};", ", "),
    ("[{n}]\n{v}", "\n"),
)


def queries(words: Words, rng: random.Random) -> str:
    """Tables or procedures, then requests, each with its statement."""
    functions = draw_mixed(words, rng, rng.choice((1, 2, 3, 4, 4, 5, 6, 7)))
    statement, joint = rng.choice(STATEMENTS)
    mark = rng.choice(("-- ", "# ") if joint == "\n" else ("-- ", "", "/* "))
    one_line = rng.random() < 0.5
    parts = [_table(function, one_line) for function in functions]
    for function in rng.choices(functions, k=len(functions) + 3):
        given = draw_values(function, rng)
        values = joint.join(f"{key} = {value!r}" for key, value in given.items())
        request = mark + ask(function, given, functions, rng) + (" */" if mark == "/* " else "")
        line = statement.format(n=function.name, v=values)
        parts.append(f"{request}\n{line if given else _without_values(function, line)}")
    return rng.choice(("\n", "\n\n")).join(parts)


def _table(function: Function, one_line: bool) -> str:
    columns = [(p.name, SQL_TYPES[p.type], p.description) for p in function.parameters]
    if one_line or not columns:
        inner = ", ".join(f"{name} {kind}" for name, kind, _ in columns)
        return f"create table {function.name} ({inner}); -- {function.description}"
    lines = [f"-- {function.description}", f"create table {function.name} ("]
    lines += [f"    {name} {kind}, -- {about}" for name, kind, about in columns]
    return "\n".join([*lines, ");"])


def _without_values(function: Function, line: str) -> str:
    """select * from apartments;"""
    head = line.split(function.name)[0]
    return f"{head}{function.name}{']' if head.endswith('[') else ';'}"
