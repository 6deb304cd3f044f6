"""PPO on tool calls: sampled replies, the reward of their errors (IRM), a critic, a KL anchor.

    r_t = R_t - beta (log pi(y_t) - log pi_sft(y_t))      R on the last token of each reply
    A_t = GAE(gamma, lambda) of r and the critic's V      over the policy's tokens alone
    max   min(rho_t A_t, clip(rho_t, 1 - eps, 1 + eps) A_t)      rho_t = pi(y_t) / pi_old(y_t)

    torchrun train_ppo.py                                        embedded tool world, from out/sft
    torchrun --nproc_per_node 8 train_ppo.py --model out/sft --data raw_data.json

An episode is one reply to a context whose right call is known, or (--exercises) a request played in
the tool world to its end. What was sampled is what is learned from, token by token.
"""

import argparse
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from kernels import linear_token_logprobs
from tl.agent.material import WORLD, Draws, read_material
from tl.agent.practice import Player
from tl.data.batch import Sampler
from tl.data.rereading import Shares
from tl.data.tokenizer import load_tokenizer
from tl.dialects import get_dialect
from tl.model.decoder import Decoder
from tl.model.heads import load_critic, save_critic
from tl.model.hf import load_model, save_model
from tl.rl import ppo
from tl.rl.advantage import gae, kl_shaped_rewards, leave_one_out, whiten
from tl.rl.irm import UNPARSEABLE
from tl.rl.metrics import CURVES, rollout_metrics, update_metrics
from tl.rl.rollout import Rollout, join
from tl.run import checkpoint, cli, directory, optim, parallel, ppo_flags
from tl.run.curves import write_curves
from tl.run.log import RunLog
from tl.run.report import run
from tl.run.signals import RunStatus, StopRequest
from tl.run.throughput import Phases

WORLD_MODEL = Path(__file__).parent / "tl" / "world" / "tiny"
RECIPE = Path(__file__).parent / "tl" / "world" / "recipes" / "ppo.json"
CRITIC = "critic"  # its folder beside the policy's files
SHOWN_EPISODES = 3  # in a table of samples
SCORED = 4  # times as many episodes in one pass as where activations are kept for a backward pass


# fmt: off
def build_parser() -> argparse.ArgumentParser:
    parser = cli.new_parser(__doc__)
    add = parser.add_argument_group("model and data").add_argument
    add("--model", metavar="DIR",
        help="the SFT model, a Hugging Face directory, or `world`; absent: the recipe, out/sft")
    add("--ref_model", metavar="DIR", help="anchor of the KL, frozen; default: --model")
    add("--critic_model", metavar="DIR",
        help="critic/ of an earlier run, to go on from; default: --model and a head of zeros")
    add("--critic", choices=("separate", "shared"), default="separate",
        help="a model of its own, from the weights of --model, or a head on the policy's states")
    add("--data", metavar="FILE",
        help="contexts with `golds`, or trajectories in any form that SFT reads; or `world`")
    add("--eval_data", metavar="FILE", help="held-out entries, the same forms; or `world`")
    add("--exercises", type=cli.non_negative_int, default=0, metavar="N",
        help="requests to be played to their end, beside the entries of --data world")
    add("--dialect", choices=("codellama",), default="codellama", help="how calls are written")
    add("--on_bad_record", choices=("error", "skip"), default="error",
        help="skip: leave it out, count it, list it in skipped_records.txt")
    ppo_flags.add_rollout_flags(parser)
    ppo_flags.add_method_flags(parser)
    cli.add_runtime_flags(parser)
    cli.add_logging_flags(parser, output_dir="out/ppo")
    parser.set_defaults(logging_steps=1, save_steps=50)
    return parser
# fmt: on


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The flags; without --model those of the embedded recipe come first."""
    parser = build_parser()
    args = cli.parse_or_recipe(parser, argv, RECIPE)
    if args.model != WORLD and not Path(args.model).is_dir():
        parser.error(f"{args.model}: no such directory; `torchrun train_sft.py` makes out/sft")
    ppo_flags.check(parser, args)
    return args


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    group = parallel.start(args.device)
    status = train(args, group)
    group.close()  # after success alone: a failed rank would wait in it for the others
    return status


def train(args: argparse.Namespace, group: parallel.Group) -> int:
    output_dir, device = Path(args.output_dir), group.device
    dtype = parallel.compute_dtype(args.dtype, device)

    # --- policy, frozen reference, critic
    source = WORLD_MODEL if args.model == WORLD else Path(args.model)
    found = checkpoint.load(args.resume_from_checkpoint, output_dir, group)
    actor = load_model(found.directory if found else source, torch.float32, device)
    reference = load_model(args.ref_model or source, torch.float32, device).requires_grad_(False)
    trunk = source if args.critic == "separate" else None
    saved = found.directory / CRITIC if found else args.critic_model and Path(args.critic_model)
    critic = load_critic(trunk, saved, actor.config.hidden_size, device)
    for model in (actor, critic.trunk or actor):
        model.gradient_checkpointing = args.gradient_checkpointing
        if args.freeze_embeddings:
            model.freeze_embeddings()
    rates = [args.learning_rate, args.critic_learning_rate]  # the peaks
    adam = args.weight_decay, (args.adam_beta1, args.adam_beta2), args.adam_epsilon
    actor_optimizer = optim.adamw(actor, rates[0], *adam)
    critic_optimizer = optim.adamw(critic, rates[1], *adam)

    # --- what is practised, in which order, at which rates
    tokenizer = load_tokenizer(source)
    player = Player(
        actor, tokenizer, get_dialect(args.dialect), source=str(source), cost=args.needless_cost,
        max_new_tokens=args.response_length, temperature=args.temperature, dtype=dtype,
        copies=args.num_generations, cut_reward=UNPARSEABLE if args.truncation == "penalty" else 0,
    )  # fmt: skip
    contexts = args.per_device_rollout_batch_size * group.size // args.num_generations
    material = read_material(
        args.data, args.eval_data, args.exercises, folder=output_dir / "data", fewest=contexts,
        check=player.check_room, skips=args.on_bad_record == "skip", group=group,
    )  # fmt: skip
    sampler = Sampler(len(material.items), contexts, args.seed)
    shares = Shares(args.other_words, args.more_parameters)
    draws = Draws(material.items, shares, args.seed, player.check_room)
    total_steps = args.max_steps or max(1, round(args.num_train_epochs * sampler.batches_per_epoch))
    warmup = optim.warmup_length(total_steps, args.warmup_ratio, args.warmup_steps)
    rate_at = partial(optim.lr_at, total=total_steps, warmup=warmup, kind=args.lr_scheduler_type)
    by = ppo.Coefficients(
        args.cliprange, args.cliprange_value, args.vf_coef, args.entropy_coef, args.temperature
    )
    kl = ppo.kl_controller(args.kl_coef, args.kl_target, args.kl_horizon)
    guard = optim.NonFiniteGuard()
    evaluate = partial(player.evaluate, material.held_out, args.per_device_eval_batch_size, group)

    # --- go on from a checkpoint; what is random follows from seed and step
    both = nn.ModuleDict({"actor": actor, "critic": critic})
    optimizers = optim.Optimizers(actor_optimizer, critic_optimizer)
    start, saved_dtype = 0, actor.config.dtype  # the final model has the dtype of the files
    course = {"data": material.digest(), "batch": [contexts, args.num_generations]}
    course |= {"critic": args.critic, "frozen": args.freeze_embeddings, "shares": list(shares)}
    course |= {"seed": args.seed, "schedule": [total_steps, warmup, args.lr_scheduler_type, *rates]}
    if found:
        found.require_course(course)
        found.restore(both, optimizers)
        guard.restore(found.values["guard"])
        start, saved_dtype = found.step, found.values["saved_dtype"]
        kl.coefficient = found.values["kl_coef"]

    shared = device.type == "cpu" and not actor.config.rope.depends_on_length
    scored = args.per_device_train_batch_size * (1 if args.gradient_checkpointing else SCORED)

    def hidden_states(model: Decoder, part: Rollout, ends: bool = False) -> Tensor:
        """[N, E] from which the actions of some episodes are chosen; [N + S, E] with their ends."""
        rows = part.rows_and_ends(shared) if ends else part.rows(shared)
        with parallel.autocast(device, dtype):
            return model(**part.packed(shared), rows=rows)

    def score(part: Rollout) -> Rollout:
        """With what the reference makes of the actions, and what the critic expects."""
        hidden = hidden_states(reference, part)  # [N, E]
        actions, weight = part.actions[part.action_mask], reference.lm_head.weight
        ref_logprobs, _ = linear_token_logprobs(hidden, weight, actions, args.temperature)  # [N]
        values = critic.head(hidden_states(critic.trunk or actor, part, ends=True))  # [N + S]
        return part.scored(ref_logprobs, values, args.truncation == "bootstrap")

    def save(folder: Path, weights_dtype: torch.dtype) -> None:
        if group.is_main:
            save_model(actor, folder, dtype=weights_dtype, extra_files=tokenizer.files)
            save_critic(critic, folder / CRITIC)

    def write_checkpoint(step: int) -> Path:
        values = {"guard": guard.state(), "course": course, "saved_dtype": saved_dtype}
        return checkpoint.save(
            output_dir, step, group=group, model=both, optimizer=optimizers,
            write_model=lambda folder: save(folder, torch.float32),  # or resuming is not exact
            values=values | {"kl_coef": kl.coefficient}, keep=args.save_total_limit,
        )  # fmt: skip

    directory.prepare(args, group, resumed=bool(found), skipped=material.skipped)
    with (
        RunLog(output_dir, group.is_main, total_steps, start, args.tensorboard) as log,
        RunStatus(output_dir, group.is_main) as status,
        StopRequest(group) as stop,
    ):
        size = sum(parameter.numel() for parameter in both.parameters())
        log.say(f"{args.data}: {len(material.items):,} items, {len(material.skipped):,} left out")
        log.say(f"{args.model}: {size:,} parameters with the critic's, {dtype} on {device.type}")
        log.say(f"{contexts} contexts, {args.num_generations} replies each; {total_steps:,} steps")
        if not start and material.held_out:
            log.record(0, **evaluate())
        clock = Phases()
        for step in range(start, total_steps):
            # 1. Sample: the policy replies, the reward judges
            batch = sampler.batch(step)
            batch *= -(-group.size // len(batch))  # one for every process at least
            own = range(group.rank, len(batch), group.size)
            seed = (args.seed * 1_000_003 + step) % 2**62  # for all: together they draw as one
            generator = torch.Generator(device).manual_seed(seed)
            chosen = [draws.item(batch[place], step) for place in own]
            rollout, samples = player.rollout(chosen, own, generator)
            clock.mark("rollout")

            # 2. Score: the reference and the critic read what was said
            with torch.no_grad():
                rollout = join([score(part) for part in rollout.parts(scored)])
            clock.mark("score")

            # 3. Advantages
            mask = rollout.action_mask
            shaped = kl_shaped_rewards(
                rollout.rewards, rollout.logprobs, rollout.ref_logprobs, mask, kl.coefficient
            )
            advantages, returns = gae(
                shaped, rollout.values, mask, args.gamma, args.lam, rollout.bootstrap
            )
            advantages = leave_one_out(advantages, mask, args.num_generations)
            if args.whiten_advantages:
                advantages = whiten(advantages, mask, group.all_sum)
            rollout = rollout._replace(advantages=advantages, returns=returns)
            metrics = rollout_metrics(rollout, kl.coefficient, group.all_sum)

            # 4. Learn: some passes over the rollout, in minibatches
            actor_rate, critic_rate = (rate_at(step, base=peak) for peak in rates)
            optim.set_lr(actor_optimizer, actor_rate)
            optim.set_lr(critic_optimizer, critic_rate)
            shuffle = torch.Generator().manual_seed(seed + group.rank)
            totals, tokens, updates = torch.zeros(len(ppo.SUMS), device=device).double(), 0, 0
            for minibatch in rollout.passes(args.num_ppo_epochs, args.num_mini_batches, shuffle):
                if not (count := group.all_sum(int(minibatch.action_mask.sum()))):
                    continue  # more minibatches than episodes
                sums = torch.zeros_like(totals)
                for part in minibatch.parts(args.per_device_train_batch_size):
                    hidden, weight = hidden_states(actor, part), actor.lm_head.weight
                    loss, actor_sums = ppo.actor_loss(part, hidden, weight, by, count)
                    if critic.trunk:
                        loss.backward()  # and the memory of one pass does for both
                        hidden, loss = hidden_states(critic.trunk, part), 0.0
                    value_loss, critic_sums = ppo.critic_loss(part, critic.head(hidden), by, count)
                    (loss + value_loss).backward()
                    sums += torch.cat([actor_sums, critic_sums])
                sums = group.all_sum(sums)
                if step == start and not updates:
                    ppo.check_first_ratio(sums[ppo.RATIO_GAP].item() / count, dtype)
                totals, tokens = totals + sums, tokens + count
                if args.kl_stop and sums[ppo.APPROX_KL] / count > args.kl_stop:
                    break  # before the step: the policy has gone too far already
                parallel.sync_gradients(both.parameters(), group)
                norms = [parallel.clip_grad_norm(model.parameters(), args.max_grad_norm).item()
                         for model in (actor, critic)]  # fmt: skip
                if guard.admits(step + 1, sums.sum().item(), sum(norms)):
                    critic_optimizer.step()
                    if step >= args.critic_warmup_steps:
                        actor_optimizer.step()
                    updates += 1
                both.zero_grad()
            both.zero_grad()
            kl.update(metrics["objective/kl_per_token"], metrics["rollout/tokens"])
            clock.mark("learn")

            # --- log, evaluate, save
            done = step + 1
            log.advance()
            last, stopping = done == total_steps, stop.requested()
            if last or stopping or done == start + 1 or done % args.logging_steps == 0:
                log.record(
                    done, epoch=done / sampler.batches_per_epoch, updates=updates,
                    episode=sampler.visited(done) * args.num_generations,
                    **metrics, **update_metrics(totals, tokens),
                    learning_rate=actor_rate, critic_learning_rate=critic_rate, grad_norm=norms[0],
                    critic_grad_norm=norms[1], skipped_steps=guard.skipped, **clock.read(),
                )  # fmt: skip
            if args.sample_steps and (last or done == 1 or done % args.sample_steps == 0):
                log.sample(done, samples[:SHOWN_EPISODES])
            if material.held_out and (last or args.eval_steps and done % args.eval_steps == 0):
                log.record(done, **evaluate())
            if not last and (stopping or args.save_steps and done % args.save_steps == 0):
                status.update(step=done, checkpoint=write_checkpoint(done))
            clock.mark("rest")
            if stopping and not last:
                status.preempted()
                log.say(f"stopped at step {done}; go on with --resume_from_checkpoint")
                return 0

        with group.together():
            save(output_dir, getattr(torch, saved_dtype))
            write_curves(output_dir, CURVES, group.is_main)
        status.update(step=total_steps)
        log.say(f"saved {output_dir}, with curves.svg")
    return 0


if __name__ == "__main__":
    run(main)
