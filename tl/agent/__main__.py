"""Chat with a model that uses tools, each call and its result shown as it happens.

    python -m tl.agent --model out/sft --tools world
    python -m tl.agent --model out/sft --tools my_tools.py --query "What is 2 + 3?"

The public functions of my_tools.py (annotations, docstrings) are what the model can call, besides
`ask_to_user` and `finish`. The file runs in a process of its own. In the chat, /new starts a fresh
conversation, Ctrl-D or Ctrl-C leave.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial

import torch

from tl import InputError
from tl.agent.chat import Chat
from tl.agent.feedback import FEEDBACK_CHARACTERS
from tl.agent.generation import checked_generate, stop_ids
from tl.agent.loop import MAX_TURNS, Executor, Loop
from tl.agent.tool_process import TOOL_SECONDS, ToolProcess
from tl.calls.schema import Conversation, Tool
from tl.data.encode import Encoder
from tl.data.tokenizer import load_tokenizer
from tl.dialects import DIALECTS, get_dialect
from tl.model.hf import load_model
from tl.run import cli, parallel
from tl.run.report import run
from tl.world.execute import World
from tl.world.tools import ALWAYS, FAMILIES, TOOLS

WORLD = "world"
WORLD_OFFER = ("travel",)  # all of the world's tools are more than the tiny model can read


# fmt: off
def build_parser() -> argparse.ArgumentParser:
    parser = cli.new_parser(__doc__, "tl.agent")
    add = parser.add_argument_group("model and tools").add_argument
    add("--model", required=True, metavar="DIR", help="Hugging Face directory")
    add("--tools", required=True, metavar="FILE.py",
        help="its functions are the tools; or `world`: those of the embedded world")
    add("--offer", nargs="+", metavar="NAME",
        help="offer only these tools; for the world also families "
        f"({', '.join(FAMILIES)}; its default is {' '.join(WORLD_OFFER)})")
    add("--dialect", choices=DIALECTS, default="auto", help="how calls are written; "
        "auto: as in training, or as the model's template says")
    add("--query", metavar="TEXT", help="say this, print what follows, and stop")
    add = parser.add_argument_group("loop").add_argument
    add("--max_turns", type=cli.positive_int, default=MAX_TURNS,
        help="replies of the model to one message")
    add("--tool_timeout", type=cli.positive_float, default=TOOL_SECONDS, metavar="SECONDS",
        help="longest time of one call; then the tools' process is started afresh")
    add("--max_feedback", type=cli.positive_int, default=FEEDBACK_CHARACTERS,
        metavar="CHARACTERS", help="longer results are cut, with a mark")
    add = parser.add_argument_group("generation").add_argument
    add("--max_new_tokens", type=cli.positive_int, default=512, help="longest reply")
    add("--temperature", type=cli.non_negative_float, default=0.0, help="0: the likeliest token")
    add("--top_p", type=cli.probability, default=1.0, help="sample from this share of probability")
    add("--seed", type=cli.non_negative_int, default=42, help="of sampling")
    cli.add_device_flags(add)
    return parser
# fmt: on


def main(argv: list[str] | None = None) -> int:
    parser = build_parser()
    args = cli.parse_args(parser, argv)
    if args.query is not None and not args.query.strip():
        parser.error("--query: expected a text, got an empty one")
    if args.top_p == 0:
        parser.error("--top_p: expected a number above 0")
    for stream in (sys.stdin, sys.stdout):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    with open_tools(args) as (tools, execute):
        loop = build_loop(args, tools)
        print("tools: " + ", ".join(tool.name for tool in tools), file=sys.stderr, flush=True)
        chat = Chat(loop, tools, execute)
        if args.query is None:
            chat.talk()
        else:
            chat.say(args.query.encode("utf-8", "replace").decode("utf-8"))
    return 0


@contextmanager
def open_tools(args: argparse.Namespace) -> Iterator[tuple[tuple[Tool, ...], Executor]]:
    """The tools on offer, `ask_to_user` and `finish` last, and their executor."""
    always = tuple(TOOLS[name] for name in ALWAYS)
    if args.tools == WORLD:
        names = world_names(args.offer or WORLD_OFFER)
        yield (*(TOOLS[name] for name in names), *always), World(tools=names).execute
        return
    with ToolProcess(
        args.tools, timeout=args.tool_timeout, max_feedback=args.max_feedback
    ) as process:
        if reserved := [tool.name for tool in process.tools if tool.name in ALWAYS]:
            raise InputError(f"{args.tools}: {reserved[0]}() is the chat's own; rename it")
        by_name = {tool.name: tool for tool in process.tools}
        names = args.offer or list(by_name)
        if unknown := [name for name in names if name not in by_name]:
            raise InputError(
                f"--offer {unknown[0]}: expected one of {', '.join(by_name)}, the public "
                f"functions of {args.tools}"
            )
        yield (*(by_name[name] for name in dict.fromkeys(names)), *always), process.execute


def world_names(offer: Iterable[str]) -> list[str]:
    """The tools of the named families and the named tools, each once, without ask_to_user and
    finish.
    """
    names: dict[str, None] = {}
    for name in offer:
        if name not in FAMILIES and name not in TOOLS:
            raise InputError(f"--offer {name}: expected a family of the world "
                             f"({', '.join(FAMILIES)}) or one of its tools")  # fmt: skip
        names |= dict.fromkeys(FAMILIES[name].functions if name in FAMILIES else [name])
    return [name for name in names if name not in ALWAYS]


def build_loop(args: argparse.Namespace, tools: tuple[Tool, ...]) -> Loop:
    """The loaded model behind a Loop. InputError if the tools alone leave it no room to reply."""
    tokenizer, dialect = load_tokenizer(args.model), get_dialect(args.dialect, args.model)
    device = parallel.start(args.device).device
    model = load_model(args.model, parallel.compute_dtype(args.dtype, device), device)
    encoder = Encoder(tokenizer, dialect)
    eos_ids = stop_ids(encoder, model, args.model)
    positions = model.config.max_position_embeddings
    bare = encoder.prompt_ids(Conversation("tools", tools, ()))
    if len(bare) >= positions:
        raise InputError(
            f"the {len(tools)} tools take {len(bare):,} tokens, {args.model} has {positions:,} "
            "positions; name fewer with --offer"
        )
    replies = partial(
        checked_generate, model, source=args.model, max_new_tokens=args.max_new_tokens,
        temperature=args.temperature, top_p=args.top_p, eos_ids=eos_ids,
        generator=torch.Generator(device).manual_seed(args.seed),
    )  # fmt: skip
    return Loop(
        tokenizer, dialect, replies, max_positions=positions, max_turns=args.max_turns,
        eos_ids=eos_ids, max_feedback=args.max_feedback,
    )  # fmt: skip


if __name__ == "__main__":
    run(main)
