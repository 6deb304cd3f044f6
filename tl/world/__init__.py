"""An embedded, offline world of executable tools: what a tool user can be trained and tested on.

Read `tools/travel.py` first: one family of tools and the requests that need them.

    registry    a Python function (annotations, docstring) -> Tool
    tables      cities, people, days: what the tools know
    tasks       a request: how it is said, which calls solve it
    tools       the families; adding one is adding one file (then run the tokenizer's command again)
    execute     World: a call in, the feedback text out, as Python itself words it
    mistakes    wrong calls of every kind in paper Figure 3
    teacher     the scripted teacher: a request -> a whole trajectory, with labels
    unseen      the tools that no training data has
    golds       which calls are right at a point of a plan
    rl          entries for reinforcement learning: a context and the gold call
    heldout     held-out cases, and the executor that plays them
    noise       the five levels of RoTBench on held-out cases
    case_file   held-out cases as JSON
    datasets    files: `python -m tl.world --write DIR`
    tokenizer   the byte-level BPE of the tiny model: `python -m tl.world.tokenizer`
    tiny/       configuration and tokenizer of the tiny model, in Hugging Face layout
"""

from tl.world.execute import Outcome, World
from tl.world.tools import FAMILIES, FUNCTIONS, TOOLS

__all__ = ["FAMILIES", "FUNCTIONS", "TOOLS", "Outcome", "World"]
