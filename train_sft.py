"""Supervised fine-tuning on tool-use trajectories, with masked errors (MAE) and key tokens (PKT).

    loss = sum_t w_t * -log p(y_t | everything before t)  /  sum_t w_t        over a global batch

w_t is 0 on the replies whose feedback reports an error (MAE) and everywhere outside of replies,
clip(|NK| / |K|, 1, --max_weight) on the key tokens of tool names (PKT), 1 on the rest of a reply.

    torchrun train_sft.py                                        embedded tool world, tiny model
    torchrun --nproc_per_node 8 train_sft.py --model CodeLlama-7b-hf --data raw_data.json

Several processes, accumulation, packing: all exact. Losses are sums divided once by the weight of
the global batch, which every process knows beforehand, because all have read the same data.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

import torch
from tqdm import tqdm

from kernels import weighted_linear_cross_entropy
from tl.data.batch import Sampler, Stream, share
from tl.data.dataset import Dataset, check_vocabulary, load_dataset
from tl.data.encode import NORMALIZATIONS, Encoder, Example
from tl.data.rereading import Shares, reread
from tl.data.show import show
from tl.data.tokenizer import load_tokenizer
from tl.dialects import DIALECTS, Dialect, get_dialect
from tl.model.config import ModelConfig
from tl.model.decoder import Decoder
from tl.model.hf import copy_all, init_weights, load_config, load_weights, save_model
from tl.model.wise import interpolate
from tl.run import checkpoint, cli, directory, optim, parallel, shard
from tl.run.log import RunLog
from tl.run.report import run
from tl.run.signals import RunStatus, StopRequest
from tl.run.throughput import Throughput
from tl.world.datasets import write_datasets

WORLD = "world"  # --model world, --data world: the embedded tool world
WORLD_MODEL = Path(__file__).parent / "tl" / "world" / "tiny"
RECIPE = Path(__file__).parent / "tl" / "world" / "recipes" / "sft.json"


def build_parser() -> argparse.ArgumentParser:
    parser = cli.new_parser(__doc__)
    add = parser.add_argument_group("model and data").add_argument
    add("--model", metavar="DIR",
        help="Hugging Face directory, or `world`; absent: the recipe of the tool world")
    add("--init", choices=("pretrained", "random"), default="pretrained",
        help="random: take config.json and tokenizer of --model, draw new weights")
    add("--data", metavar="FILE",
        help="raw_data.json, mae_data.json, OpenAI messages or ShareGPT; or `world`")
    add("--eval_data", metavar="FILE", help="held-out trajectories for eval_loss")
    add("--dialect", choices=DIALECTS, default="codellama", help="how calls are written")
    add("--max_length", type=cli.positive_int, metavar="TOKENS",
        help="longer trajectories are bad records, never cut; default: what the model allows")
    add("--on_bad_record", choices=("error", "skip"), default="error",
        help="skip: leave it out, count it, list it in skipped_records.txt")
    add("--show_examples", type=cli.non_negative_int, default=0, metavar="N",
        help="print N examples as the loss sees them and stop")
    add = parser.add_argument_group("method").add_argument
    add("--mask_errors", action=argparse.BooleanOptionalAction, default=True,
        help="MAE: erroneous calls are no targets")
    add("--max_weight", type=cli.positive_float, default=9.0,
        help="PKT: largest weight of a key token; 1 switches the weighting off")
    add("--loss_normalization", choices=NORMALIZATIONS, default="weight",
        help="call: every reply counts the same (the authors' code)")
    add("--standard_sft", action=argparse.BooleanOptionalAction, default=False,
        help="short for --no-mask_errors --max_weight 1")
    add("--wise_ft", type=cli.probability, default=1.0, metavar="SHARE",
        help="of the way from the weights at the start to those at the end; this is what is saved")
    cli.add_keeping_flags(add)
    cli.add_optimizer_flags(parser)
    cli.add_runtime_flags(parser)
    cli.add_logging_flags(parser, output_dir="out/sft")
    return parser


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The flags; without --model those of the embedded recipe come first."""
    parser = build_parser()
    args = cli.parse_or_recipe(parser, argv, RECIPE)
    cli.check_sft(parser, args)
    return args


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    group = parallel.start(args.device)
    status = train(args, group)
    group.close()  # after success alone: a failed rank would wait in it for the others
    return status


def train(args: argparse.Namespace, group: parallel.Group) -> int:
    output_dir = Path(args.output_dir)

    # --- model directory and data
    source = WORLD_MODEL if args.model == WORLD else Path(args.model)
    config, tokenizer = load_config(source), load_tokenizer(source)
    args.dialect = (dialect := get_dialect(args.dialect, source)).name
    dataset, held_out = read_data(args, config, tokenizer, dialect, group)
    examples = dataset.examples
    for each in (dataset, held_out):
        check_vocabulary(each.examples, tokenizer.eos_id, config.vocab_size, source)
    if args.show_examples:
        if group.is_main:
            print(show(examples[: args.show_examples], tokenizer, sys.stdout.isatty()))
        return 0

    # --- batches
    bins = group.size * args.gradient_accumulation_steps  # micro-batches in a global batch
    batch_size = bins * args.per_device_train_batch_size
    sampler = Sampler(len(examples), batch_size, args.seed)
    epoch_steps = sampler.batches_per_epoch / dataset.readings
    total_steps = args.max_steps or max(1, round(args.num_train_epochs * epoch_steps))
    warmup = optim.warmup_length(total_steps, args.warmup_ratio, args.warmup_steps)
    schedule = (total_steps, warmup, args.learning_rate, args.lr_scheduler_type)

    # --- model and optimizer
    found = checkpoint.load(args.resume_from_checkpoint, output_dir, group)
    dtype = parallel.compute_dtype(args.dtype, group.device)
    weights = found.directory if found else None if args.init == "random" else source
    model = build_model(args, config, weights, dtype, group)
    optimizer = optim.adamw(
        model, args.learning_rate, args.weight_decay,
        betas=(args.adam_beta1, args.adam_beta2), epsilon=args.adam_epsilon,
    )  # fmt: skip
    guard = optim.NonFiniteGuard()
    start, saved_dtype = 0, model.config.dtype  # the final model has the dtype of the files
    course = {"data": dataset.digest(), "batch size": batch_size, "seed": args.seed}
    course |= {"schedule": list(schedule), "frozen embeddings": args.freeze_embeddings}
    if found:
        found.require_course(course)
        found.restore(model, optimizer)
        guard.restore(found.values["guard"])
        start, saved_dtype = found.step, found.values["saved_dtype"]

    def forward(stream: Stream) -> torch.Tensor:
        """Hidden states [T, E] of a stream on the device."""
        with parallel.autocast(group.device, dtype):
            return model(**stream.inputs).to(dtype)

    def loss_of(hidden: torch.Tensor, stream: Stream) -> torch.Tensor:
        """sum_t w_t * -log p(y_t)"""
        return weighted_linear_cross_entropy(
            hidden, model.lm_head.weight, stream.targets, stream.weights, stream.rows
        )

    def save(folder: Path, weights_dtype: torch.dtype) -> None:
        save_model(
            model, folder, dtype=weights_dtype, gather=shard.gather(group), write=group.is_main,
            extra_files=tokenizer.files,
        )  # fmt: skip

    def write_checkpoint(step: int) -> Path:
        return checkpoint.save(
            output_dir, step, group=group, model=model, optimizer=optimizer,
            write_model=lambda folder: save(folder, torch.float32),  # or resuming is not exact
            values={"guard": guard.state(), "course": course, "saved_dtype": saved_dtype},
            keep=args.save_total_limit,
        )  # fmt: skip

    skipped = [*dataset.skipped, *held_out.skipped]
    directory.prepare(args, group, resumed=bool(found), skipped=skipped)
    with (
        RunLog(output_dir, group.is_main, total_steps, start, args.tensorboard) as log,
        RunStatus(output_dir, group.is_main) as status,
        StopRequest(group) as stop,
    ):
        mode = parallel.parallel_mode(args.parallel, group)
        size = sum(parameter.numel() for parameter in model.parameters())
        for line in [*dataset.summary(), *held_out.summary()]:
            log.say(line)
        log.say(f"{args.model}: {size:,} parameters, {dtype} on {group.device.type}, {mode}, "
                f"dialect {dialect.name}")  # fmt: skip
        log.say(f"batch {batch_size} = {args.per_device_train_batch_size} trajectories x "
                f"{args.gradient_accumulation_steps} micro-batches x {group.size} processes; "
                f"{total_steps:,} steps")  # fmt: skip

        # --- train
        throughput = Throughput(group.device)
        for step in range(start, total_steps):
            batch = sampler.batch(step)
            weight = sum(examples[index].weight for index in batch)  # the global denominator
            loss = torch.zeros((), device=group.device)
            for stream in share(batch, examples, bins, group.rank, group.size):
                stream = stream.scaled(1 / weight).to(group.device)
                part = loss_of(forward(stream), stream)
                part.backward()
                loss += part.detach()
            parallel.sync_gradients(model.parameters(), group)
            grad_norm = parallel.clip_grad_norm(model.parameters(), args.max_grad_norm).item()
            loss = group.all_sum(loss).item()
            rate = optim.lr_at(step, *schedule)
            if guard.admits(step + 1, loss, grad_norm):
                optim.set_lr(optimizer, rate)
                optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            if step == total_steps - 1:
                interpolate(model, source, args.wise_ft, shard.copy_local)

            # --- log, evaluate, save
            done = step + 1
            log.advance()
            throughput.add(
                tokens=sum(len(examples[index]) for index in batch),
                learned=sum(examples[index].learned for index in batch),
            )
            last, stopping = done == total_steps, stop.requested()
            if last or stopping or done == start + 1 or done % args.logging_steps == 0:
                log.record(
                    done, epoch=done / epoch_steps, loss=loss, learning_rate=rate,
                    grad_norm=grad_norm, skipped_steps=guard.skipped, **throughput.read(),
                )  # fmt: skip
            with throughput.pause():
                due = args.eval_steps and done % args.eval_steps == 0
                if held_out.examples and (last or due):
                    scores = evaluate(held_out.examples, model, forward, loss_of, args, group)
                    log.record(done, **scores)
                due = args.save_steps and done % args.save_steps == 0
                if not last and (due or stopping):
                    status.update(step=done, checkpoint=write_checkpoint(done))
            if stopping and not last:
                status.preempted()
                log.say(f"stopped at step {done}; go on with --resume_from_checkpoint")
                return 0

        with group.together():
            save(output_dir, getattr(torch, saved_dtype))
        status.update(step=total_steps)
        log.say(f"saved {output_dir}")
    return 0


def read_data(args, config, tokenizer, dialect: Dialect, group) -> tuple[Dataset, Dataset]:
    """(training data, held-out data, maybe empty). Every process reads everything."""
    data, eval_data = args.data, args.eval_data
    if WORLD in (data, eval_data):
        folder = Path(args.output_dir) / "data"
        with group.main_first():
            if group.is_main:
                write_datasets(folder)
        data = folder / "train.json" if data == WORLD else data
        eval_data = folder / "test.json" if eval_data == WORLD else eval_data
    max_length = args.max_length or config.max_position_embeddings

    def load(path: str | Path, shares: Shares = Shares(), **method) -> Dataset:
        encoder = Encoder(tokenizer, dialect, max_length=max_length, **method)
        progress = partial(tqdm, desc="reading", unit="", disable=None if group.is_main else True)
        dataset = load_dataset(path, encoder, args.on_bad_record, progress)
        return reread(dataset, encoder, shares, args.num_train_epochs, args.seed)

    masked, most = (False, 1.0) if args.standard_sft else (args.mask_errors, args.max_weight)
    method = {"mask_errors": masked, "max_weight": most, "normalization": args.loss_normalization}
    dataset = load(data, Shares(args.other_words, args.more_parameters), **method)
    # Held-out losses are those of right replies without weights, so that runs can be compared.
    return dataset, load(eval_data, max_weight=1.0) if eval_data else Dataset(Path())


def build_model(
    args: argparse.Namespace, config: ModelConfig, weights: Path | None, dtype: torch.dtype, group
) -> Decoder:
    """The decoder on its device with fp32 master weights, whole or sharded over the processes."""
    sharded = parallel.parallel_mode(args.parallel, group) == "fsdp"
    with torch.device("meta"):
        model = Decoder(config)
    if args.freeze_embeddings:
        model.freeze_embeddings()
    if sharded:
        shard.shard(model, model.model.layers, group, dtype)
    model.to_empty(device=group.device)
    copy = shard.copy_local if sharded else copy_all
    if weights is None:
        init_weights(model, args.seed, copy)
    else:
        load_weights(model, weights, copy)
    model.gradient_checkpointing = args.gradient_checkpointing
    return model


def evaluate(examples: list[Example], model: Decoder, forward, loss_of, args, group) -> dict:
    """Mean -log p over the learned tokens, and over the key tokens alone, in nats."""
    bins = -(-len(examples) // (args.per_device_eval_batch_size * group.size)) * group.size
    sums = torch.zeros(2, 2, dtype=torch.float64, device=group.device)  # (all, key) x (nll, count)
    with shard.evaluation(model):
        for stream in share(range(len(examples)), examples, bins, group.rank, group.size):
            hidden = forward(stream.to(group.device))
            for place, mask in enumerate((stream.weights > 0, stream.key_mask)):
                part = stream.counting(mask).to(group.device)
                sums[place] += torch.stack([loss_of(hidden, part), part.weights.sum()])
    (nll, count), (key_nll, key_count) = group.all_sum(sums).tolist()
    return {"eval_loss": nll / max(count, 1), "eval_key_loss": key_nll / max(key_count, 1)}


if __name__ == "__main__":
    run(main)
