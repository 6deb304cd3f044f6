"""Pre-trains the tiny base model: plain language modelling of the texts of tl.world.pretrain.

    python -m tl.world.pretrain --output_dir out/base                     from random weights
    python -m tl.world.pretrain --output_dir out/base --resume_from_checkpoint
    python -m tl.world.pretrain --output_dir out/second --model out/base --init pretrained ...

    loss = mean over all tokens of a batch of -log p(token | everything before it in its document)

The documents of a step follow from the seed and the number of the step, so a resumed run goes on
bit by bit as if it had never stopped.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import torch

from kernels import weighted_linear_cross_entropy
from tl import InputError
from tl.data.batch import Stream, pack
from tl.data.encode import NO_TARGET, Example
from tl.data.tokenizer import Tokenizer, load_tokenizer
from tl.model.hf import init_model, load_config, load_model, save_model
from tl.run import checkpoint, cli, directory, optim, parallel
from tl.run.log import RunLog
from tl.run.muon import MuonWithAdamW
from tl.run.report import run
from tl.run.signals import RunStatus, StopRequest
from tl.run.throughput import Throughput
from tl.world.pretrain.documents import documents, words_of

TINY = Path(__file__).parents[1] / "tiny"
LATER_SHARE = 1 / 3  # of the peak rate, behind --forming_steps


def build_parser() -> argparse.ArgumentParser:
    parser = cli.new_parser(__doc__, "tl.world.pretrain")
    add = parser.add_argument_group("model and text").add_argument
    add("--model", metavar="DIR", default=str(TINY), help="config.json and tokenizer to start from")
    add("--tokens_per_step", type=cli.positive_int, default=4096, help="tokens of one batch")
    add("--max_steps", type=cli.positive_int, default=12_500, help="optimizer steps")
    add("--forming_steps", type=cli.non_negative_int, default=500,
        help="at the peak rate, in which copying forms; a third of it is for what follows")
    add("--init", choices=("random", "pretrained"), default="random",
        help="pretrained: start from the weights of --model, for another course")
    add("--shrink", type=cli.positive_float, default=1.0,
        help="factor for the matrices of its layers: small ones learn new things sooner")
    add("--first_step", type=cli.non_negative_int, default=0,
        help="of the curriculum; --max_steps are counted from here")
    cli.add_adamw_flags(parser)
    cli.add_runtime_flags(parser)
    cli.add_logging_flags(parser, output_dir="out/base")
    parser.set_defaults(
        learning_rate=0.015, weight_decay=0.01, warmup_steps=50, save_steps=500, logging_steps=25
    )
    return parser


def main(argv: list[str] | None = None) -> int:
    args = cli.parse_args(build_parser(), argv)
    group = parallel.start(args.device)
    if group.size > 1:
        raise InputError(
            "python -m tl.world.pretrain: one process trains; start it without torchrun"
        )
    return pretrain(args, group)


def pretrain(args: argparse.Namespace, group: parallel.Group) -> int:
    output_dir, source = Path(args.output_dir), Path(args.model)

    # --- model and text
    config, tokenizer = load_config(source), load_tokenizer(source)
    words = words_of(tokenizer.decode_segment([i]) for i in range(tokenizer.vocab_size))
    dtype = parallel.compute_dtype(args.dtype, group.device)
    found = checkpoint.load(args.resume_from_checkpoint, output_dir, group)
    if found or args.init == "pretrained":
        model = load_model(found.directory if found else source, torch.float32, group.device)
    else:
        model = init_model(config, args.seed, torch.float32, group.device)
    optimizer = MuonWithAdamW(
        model, args.learning_rate, args.weight_decay,
        betas=(args.adam_beta1, args.adam_beta2), epsilon=args.adam_epsilon,
    )  # fmt: skip
    if not found:
        optimizer.scale_matrices(args.shrink)
    guard, start, read = optim.NonFiniteGuard(), 0, 0  # read: tokens so far
    total = args.max_steps
    warmup = optim.warmup_length(total, args.warmup_ratio, args.warmup_steps)
    schedule = (total, warmup, args.forming_steps, args.learning_rate, args.lr_scheduler_type)
    course = {"seed": args.seed, "tokens per step": args.tokens_per_step, "schedule": [*schedule]}
    course["first step"] = args.first_step
    if found:
        found.require_course(course)
        found.restore(model, optimizer)
        guard.restore(found.values["guard"])
        start, read = found.step, found.values["read"]

    def save(folder: Path, weights_dtype: torch.dtype) -> None:
        save_model(model, folder, dtype=weights_dtype, extra_files=tokenizer.files)

    directory.prepare(args, group, resumed=bool(found))
    with (
        RunLog(output_dir, True, total, start, args.tensorboard) as log,
        RunStatus(output_dir, True) as status,
        StopRequest(group) as stop,
    ):
        size = sum(parameter.numel() for parameter in model.parameters())
        log.say(f"{size:,} parameters, {dtype} on {group.device.type}; {total:,} steps")

        # --- train
        throughput = Throughput(group.device)
        for step in range(start, total):
            texts = documents(words, args.seed, args.first_step + step)
            stream = batch_of(texts, tokenizer, args.tokens_per_step).to(group.device)
            with parallel.autocast(group.device, dtype):
                hidden = model(**stream.inputs).to(dtype)
            loss = weighted_linear_cross_entropy(
                hidden, model.lm_head.weight, stream.targets, stream.weights, stream.rows
            )
            loss.backward()
            loss = loss.item()
            grad_norm = parallel.clip_grad_norm(model.parameters(), args.max_grad_norm).item()
            rate = rate_at(step, *schedule)
            if guard.admits(step + 1, loss, grad_norm):
                optim.set_lr(optimizer, rate)
                optimizer.step()
            optimizer.zero_grad(set_to_none=True)

            # --- log, save
            done, tokens = step + 1, len(stream.input_ids)
            read += tokens
            log.advance()
            throughput.add(tokens=tokens, learned=len(stream.rows))
            last, stopping = done == total, stop.requested()
            if last or stopping or done == start + 1 or done % args.logging_steps == 0:
                log.record(
                    done, loss=loss, learning_rate=rate, grad_norm=grad_norm, tokens_read=read,
                    skipped_steps=guard.skipped, **throughput.read(),
                )  # fmt: skip
            due = args.save_steps and done % args.save_steps == 0
            if not last and (due or stopping):
                path = checkpoint.save(
                    output_dir, done, group=group, model=model, optimizer=optimizer,
                    write_model=lambda folder: save(folder, torch.float32),
                    values={"guard": guard.state(), "course": course, "read": read},
                    keep=args.save_total_limit,
                )  # fmt: skip
                status.update(step=done, checkpoint=path)
            if stopping and not last:
                status.preempted()
                log.say(f"stopped at step {done}; go on with --resume_from_checkpoint")
                return 0

        save(output_dir, torch.bfloat16)
        status.update(step=total)
        log.say(f"saved {output_dir}: {read:,} tokens read")
    return 0


def rate_at(step: int, total: int, warmup: int, forming: int, peak: float, kind: str) -> float:
    """The peak rate until copying has formed; from then on a third of it, which falls to 0.

    Held longer, the peak undoes what it has made: the norm of the gradients grows from 0.7 to 3,
    and the loss stands still (tl/world/tiny/README.md).
    """
    if step < forming:
        return optim.lr_at(step, total, warmup, peak, "constant")
    return LATER_SHARE * optim.lr_at(step - forming, total - forming, 0, peak, kind)


def batch_of(texts: Iterator[str], tokenizer: Tokenizer, tokens: int) -> Stream:
    """Documents of exactly `tokens` tokens, the last one cut; each weight is 1 / number of targets.

    Batches of one size: on CPUs every new size of a product is compiled anew, and kept in memory.
    """
    examples, room = [], tokens
    while room > 0:
        examples.append(example_of(next(texts), tokenizer, room))
        room -= len(examples[-1])
    stream = pack(examples)
    return stream.scaled(1 / len(stream.rows))


def example_of(text: str, tokenizer: Tokenizer, room: int) -> Example:
    """<s> text </s>, its first `room` tokens: every token predicts the next one."""
    ids = torch.tensor([tokenizer.bos_id, *tokenizer.encode(text), tokenizer.eos_id][:room])
    targets = torch.cat([ids[1:], torch.tensor([NO_TARGET])])
    return Example("", ids, targets, (targets != NO_TARGET).float(), ())


if __name__ == "__main__":
    run(main)
