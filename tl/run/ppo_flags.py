"""The flags of PPO. Names are TRL's where it has the flag; defaults are the paper's where it names
them (section 4.3)."""

import argparse

from tl.run import cli


# fmt: off
def add_rollout_flags(parser: argparse.ArgumentParser) -> None:
    """How many episodes, how long, how they are drawn."""
    add = parser.add_argument_group("rollouts").add_argument
    add("--per_device_rollout_batch_size", type=cli.positive_int, default=8,
        help="episodes per process and step (paper: 8 in all)")
    add("--num_generations", type=cli.positive_int, default=1, metavar="N",
        help="of these, so many of each context, which is read once for all of them (on the CPU)")
    add("--num_train_epochs", type=cli.positive_float, default=3.0, help="passes over the data")
    add("--max_steps", type=cli.positive_int, help="rollouts; overrides --num_train_epochs")
    add("--response_length", type=cli.positive_int, default=256, help="longest reply, in tokens")
    add("--temperature", type=cli.positive_float, default=1.0, help="of sampling and of the ratio")
    add("--truncation", choices=("penalty", "bootstrap"), default="penalty",
        help="a reply longer than that: scores -2, or no reward and the critic's value behind it")
    add("--needless_cost", type=cli.non_negative_float, default=0.0, metavar="COST",
        help="taken off the reward of a tool call where the right reply to an entry needs no tool, "
        "down to -2")
    add("--sample_steps", type=cli.non_negative_int, default=10,
        help="steps between tables of samples; 0: none")


def add_method_flags(parser: argparse.ArgumentParser) -> None:
    """The passes over a rollout, KL, GAE, clips, the critic."""
    add = parser.add_argument_group("method").add_argument
    add("--num_ppo_epochs", type=cli.positive_int, default=4, help="passes over a rollout")
    add("--num_mini_batches", type=cli.positive_int, default=1, help="optimizer steps per pass")
    add("--per_device_train_batch_size", type=cli.positive_int, default=4,
        help="episodes in one pass through a model; changes memory, not the result")
    add("--per_device_eval_batch_size", type=cli.positive_int, default=32,
        help="prompts at once in evaluation")
    add("--kl_coef", type=cli.non_negative_float, default=0.3, help="beta (paper: 0.3)")
    add("--kl_target", type=cli.positive_float, metavar="NATS",
        help="per token; adapts --kl_coef to keep the KL to the reference there; absent: fixed")
    add("--kl_horizon", type=cli.positive_int, default=10_000, help="tokens; of that adaptation")
    add("--kl_stop", type=cli.non_negative_float, default=0.1, metavar="NATS",
        help="per token; ends the passes when the policy has moved so far from its rollout; 0: off")
    add("--gamma", type=cli.probability, default=1.0, help="discount per token of the policy")
    add("--lam", type=cli.probability,
        help="lambda of GAE; default: 0.95, and 1 with several --num_generations")
    add("--whiten_advantages", action=argparse.BooleanOptionalAction, default=True,
        help="over the tokens of the whole rollout")
    add("--cliprange", type=cli.positive_float, default=0.2, help="eps of the ratio")
    add("--cliprange_value", type=cli.positive_float, default=0.2, help="in units of the reward")
    add("--vf_coef", type=cli.non_negative_float, default=0.1, help="weight of the value loss")
    add("--entropy_coef", type=cli.non_negative_float, default=0.0, help="of the entropy bonus")
    add("--critic_learning_rate", type=cli.non_negative_float, default=1e-6,
        help="peak, of the critic; --learning_rate is the policy's")
    add("--critic_warmup_steps", type=cli.non_negative_int, default=0,
        help="steps at the beginning in which the critic alone learns")
    cli.add_keeping_flags(add)
    cli.add_adamw_flags(parser)
    parser.set_defaults(learning_rate=2e-6, weight_decay=0.0, warmup_ratio=0.0)
# fmt: on


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Ends the program where flags contradict each other; resolves --lam."""
    if args.parallel == "fsdp":
        parser.error("--parallel fsdp: every process of PPO holds whole models; use replicate")
    if args.exercises and args.data != "world":
        parser.error("--exercises: needs --data world, whose tools can be executed")
    episodes, copies = args.per_device_rollout_batch_size, args.num_generations
    if episodes % copies:
        parser.error(
            f"--per_device_rollout_batch_size {episodes}: expected a multiple of "
            f"--num_generations {copies}, the replies to each context"
        )
    if args.lam is None:
        args.lam = 0.95 if copies == 1 else 1.0
    if copies > 1 and args.lam < 1:
        parser.error(
            f"--lam {args.lam}: expected 1 with --num_generations {copies}, whose replies are "
            f"compared by all that followed"
        )
