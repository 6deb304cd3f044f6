"""Which tools no training data has, neither called nor offered: seen and unseen tools.

Two whole families, and single tools inside families whose other tools are trained, some of them
with the prefix of a trained neighbour (`search_books` is seen, `search_books_by_topic` is not).
A task is unseen if it needs an unseen tool. `ask_to_user` and `finish` are seen by everybody.
"""

from types import FunctionType

from tl.world.tasks import Task
from tl.world.tools import FAMILIES, TOOLS

UNSEEN_FAMILIES = ("recipes", "sports")
UNSEEN_INSIDE_SEEN_FAMILIES = (
    "get_stock_news",  # finance
    "get_exchange_rate",
    "search_books_by_topic",  # library
    "find_free_room",  # office
    "get_service_errors",  # servers
    "text_count_letter",  # text
)
UNSEEN = (
    *(name for family in UNSEEN_FAMILIES for name in FAMILIES[family].functions),
    *UNSEEN_INSIDE_SEEN_FAMILIES,
)
SEEN = tuple(name for name in TOOLS if name not in UNSEEN)


def tools_of(split: str) -> tuple[str, ...]:
    """The tools that may be on offer in a split: all only where unseen ones are tested."""
    return tuple(TOOLS) if split == "unseen" else SEEN


def tasks_of(split: str) -> dict[str, tuple[Task, ...]]:
    """Family -> its tasks in a split. What needs no tool is in all splits."""
    return {
        family.name: tuple(task for task in family.tasks if _is_of(task, split))
        for family in FAMILIES.values()
    }


def needed_tools(task: Task) -> list[str]:
    """The tools that a plan can call, in the order of their first mention in its code."""
    names = task.plan.__globals__
    return [
        name
        for name in task.plan.__code__.co_names
        if name in TOOLS and isinstance(names.get(name), FunctionType)
    ]


def _is_of(task: Task, split: str) -> bool:
    tools = needed_tools(task)
    return not tools or any(name in UNSEEN for name in tools) == (split == "unseen")
