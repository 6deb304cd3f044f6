"""Episodes per second of PPO on CPU, and its memory, beside TRL 1.12.0.

    python tests/benchmarks/ppo_step.py [--rounds 3] [--threads 2] [--clock perf_counter]

TRL 1.12.0 is the last version with PPO (`trl.experimental.ppo`). The same tiny Llama with the same
random weights as policy, reference and critic; prompts and replies of fixed lengths, no stop id, so
that both sample equally many tokens; float32, AdamW, one minibatch, temperature 1, a reward that
costs nothing. A prompt with several replies is given to TRL as often: it has no other way. TRL's
calls of the garbage collector, a fixed cost that counts most in a model this small, do nothing
here. Every run is a process of its own; runs alternate; the median step counts.
On a machine that others use too: --threads 1 --clock process_time, seconds of the processor.
Memory: what the peak of the process grew by from before its first step. Nothing is asserted.
"""

import argparse
import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from kernels import linear_token_logprobs  # noqa: E402
from tl.generate import generate  # noqa: E402
from tl.model.config import ModelConfig  # noqa: E402
from tl.model.heads import load_critic  # noqa: E402
from tl.model.hf import init_model, load_model, save_model  # noqa: E402
from tl.rl import ppo  # noqa: E402
from tl.rl.advantage import gae, kl_shaped_rewards, whiten  # noqa: E402
from tl.rl.metrics import rollout_metrics, update_metrics  # noqa: E402
from tl.rl.rollout import Recorder, join  # noqa: E402
from tl.run import optim, parallel  # noqa: E402

HIDDEN, LAYERS, EPISODES = 128, 4, 32
CASES = (  # vocabulary, prompt tokens, replies to a prompt, reply tokens, passes
    (512, 32, 1, 32, 1),
    (512, 32, 1, 32, 4),
    (32_000, 32, 1, 32, 1),
    (512, 256, 8, 32, 1),
    (512, 256, 8, 32, 4),
)
WARM_UP = 1
CLOCKS = {"perf_counter": time.perf_counter, "process_time": time.process_time}


def config_of(vocabulary: int) -> ModelConfig:
    return ModelConfig.from_hf(
        {
            "model_type": "llama", "architectures": ["LlamaForCausalLM"],
            "vocab_size": vocabulary, "hidden_size": HIDDEN, "intermediate_size": 4 * HIDDEN,
            "num_hidden_layers": LAYERS, "num_attention_heads": 4, "num_key_value_heads": 4,
            "max_position_embeddings": 512, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
            "tie_word_embeddings": False,
        }
    )  # fmt: skip


class Shape(NamedTuple):
    vocabulary: int
    prompt: int  # tokens
    replies: int  # to each prompt
    reply: int  # tokens
    passes: int

    def prompts(self) -> list[list[int]]:
        """One for each episode, equal ones behind each other."""
        generator = torch.Generator().manual_seed(0)
        size = EPISODES // self.replies, self.prompt
        drawn = torch.randint(3, self.vocabulary, size, generator=generator)
        return drawn.repeat_interleave(self.replies, 0).tolist()


def ours(directory: Path, shape: Shape, steps: int, clock) -> list[float]:
    """Seconds of each step: the loop of train_ppo.py without data, log and files."""
    cpu = torch.device("cpu")
    actor, reference = (load_model(directory, torch.float32) for _ in range(2))
    critic = load_critic(directory, None, HIDDEN, cpu)
    optimizers = [optim.adamw(model, 1e-5, 0.0) for model in (actor, critic)]
    prompts = shape.prompts()
    by = ppo.Coefficients(0.2, 0.2, 0.1, 0.0)

    def step(number: int) -> None:
        sample = partial(
            generate, actor, max_new_tokens=shape.reply, eos_ids=(), temperature=1.0,
            generator=torch.Generator().manual_seed(number),
        )  # fmt: skip
        recorder = Recorder(
            lambda given, streams: sample(given), [len] * EPISODES, range(EPISODES), 1.0
        )
        recorder.on_round(range(EPISODES))
        recorder(prompts)
        for episode in range(EPISODES):
            recorder.on_text(episode, "")
        rollout = recorder.rollout(["length"] * EPISODES)
        with torch.no_grad():
            hidden = reference(**rollout.packed(True), rows=rollout.rows(True))
            actions = rollout.actions[rollout.action_mask]
            ref_logprobs, _ = linear_token_logprobs(hidden, reference.lm_head.weight, actions)
            seen = critic.trunk(**rollout.packed(True), rows=rollout.rows_and_ends(True))
            values = critic.head(seen)
        rollout = join([rollout.scored(ref_logprobs, values, False)])
        mask = rollout.action_mask
        shaped = kl_shaped_rewards(
            rollout.rewards, rollout.logprobs, rollout.ref_logprobs, mask, 0.05
        )
        advantages, returns = gae(shaped, rollout.values, mask, 1.0, 0.95)
        rollout = rollout._replace(advantages=whiten(advantages, mask), returns=returns)
        rollout_metrics(rollout, 0.05, lambda x: x)
        count, totals = int(mask.sum()), torch.zeros(len(ppo.SUMS)).double()
        for part in rollout.passes(shape.passes, 1, torch.Generator().manual_seed(0)):
            hidden = actor(**part.packed(True), rows=part.rows(True))
            loss, actor_sums = ppo.actor_loss(part, hidden, actor.lm_head.weight, by, count)
            loss.backward()
            values = critic.head(critic.trunk(**part.packed(True), rows=part.rows(True)))
            loss, critic_sums = ppo.critic_loss(part, values, by, count)
            loss.backward()
            totals += torch.cat([actor_sums, critic_sums])
            for model, optimizer in zip((actor, critic), optimizers, strict=True):
                parallel.clip_grad_norm(model.parameters(), 1.0).item()
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
        update_metrics(totals, shape.passes * count)

    times = [clock()]
    for number in range(steps):
        step(number)
        times.append(clock())
    return _between(times)


def _between(times: list[float]) -> list[float]:
    return [after - before for before, after in itertools.pairwise(times)]


def theirs(directory: Path, shape: Shape, steps: int, clock) -> list[float]:
    """Seconds of each update of trl.experimental.ppo.PPOTrainer."""
    from datasets import Dataset
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import (
        AutoModelForCausalLM,
        LlamaForSequenceClassification,
        PreTrainedTokenizerFast,
        TrainerCallback,
    )
    from trl.experimental.ppo import PPOConfig, PPOTrainer, ppo_trainer

    ppo_trainer.gc = SimpleNamespace(collect=lambda: 0)
    words = {f"w{i}": i for i in range(shape.vocabulary)}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(WordLevel(words, unk_token="w2")), pad_token="w0",
        eos_token="w1", padding_side="left",
    )  # fmt: skip
    policy, reference = (AutoModelForCausalLM.from_pretrained(directory) for _ in range(2))
    value = LlamaForSequenceClassification.from_pretrained(directory, num_labels=1)
    times: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, args, state, control, **more):
            times.append(clock())

    rows = [{"input_ids": ids} for ids in shape.prompts()] * (steps + 1)
    config = PPOConfig(
        output_dir=str(directory / "trl"), use_cpu=True, bf16=False, gradient_checkpointing=False,
        report_to="none", save_strategy="no", num_sample_generations=0, disable_tqdm=True,
        per_device_train_batch_size=EPISODES, gradient_accumulation_steps=1, num_mini_batches=1,
        local_rollout_forward_batch_size=EPISODES, total_episodes=EPISODES * steps,
        response_length=shape.reply, stop_token=None, num_ppo_epochs=shape.passes,
        learning_rate=1e-5, temperature=1.0,
    )  # fmt: skip
    trainer = PPOTrainer(
        config, tokenizer, policy, reference, constant_reward(), Dataset.from_list(rows), value,
        callbacks=[Clock()],
    )  # fmt: skip
    times.append(clock())
    trainer.train()
    return _between(times)


def constant_reward() -> torch.nn.Module:
    """What TRL accepts as a reward model: a backbone with hidden states, and a score of them."""

    class Backbone(torch.nn.Module):
        def forward(self, input_ids, **more):
            return SimpleNamespace(hidden_states=[torch.ones(*input_ids.shape, 1)])

    class Reward(torch.nn.Module):
        base_model_prefix = "backbone"

        def __init__(self):
            super().__init__()
            self.backbone, self.score = Backbone(), torch.nn.Identity()

    return Reward()


def run_one(name: str, directory: str, clock: str, threads: int, steps: int, *shape: int) -> None:
    """In a process of its own: prints {"seconds": [...], "grown": MiB}."""
    torch.set_num_threads(threads)
    if name != "ours":
        import trl.experimental.ppo  # noqa: F401  its modules are no part of the growth
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = {"ours": ours, "TRL": theirs}[name](
        Path(directory), Shape(*shape), steps, CLOCKS[clock]
    )
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(json.dumps({"seconds": seconds, "grown": grown}))


def measure(name: str, directory: str, shape: Shape, args) -> dict:
    numbers = map(str, (args.threads, args.steps, *shape))
    command = [sys.executable, __file__, "--one", name, directory, args.clock, *numbers]
    environment = os.environ | {
        "OMP_NUM_THREADS": str(args.threads), "HF_HUB_OFFLINE": "1",
        "TRL_EXPERIMENTAL_SILENCE": "1",
    }  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    if result.returncode:
        sys.exit(result.stderr)
    return json.loads(result.stdout.splitlines()[-1])


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        name, directory, clock, *shape = sys.argv[2:]
        return run_one(name, directory, clock, *map(int, shape))
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], allow_abbrev=False)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=4, help="in a run, the first not counted")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--clock", choices=CLOCKS, default="perf_counter")
    args = parser.parse_args()
    names, versions = ["ours"], [f"torch {torch.__version__}"]
    try:
        import transformers
        import trl
        import trl.experimental.ppo

        names.append("TRL")
        versions += [f"trl {trl.__version__}", f"transformers {transformers.__version__}"]
    except ImportError:
        versions.append("trl 1.12.0 not installed")
    print(f"{', '.join(versions)}, {args.threads} threads, float32; hidden {HIDDEN}, {LAYERS} "
          f"layers, {EPISODES} episodes\n")  # fmt: skip
    print("| vocabulary | prompt | replies to it | passes | run | s/step (lowest to highest) | "
          "episodes/s | times TRL | grown by |\n|--:|--:|--:|--:|---|---|--:|--:|--:|")  # fmt: skip
    for shape in CASES:
        compare(Shape(*shape), names, args)


def compare(shape: Shape, names: list[str], args) -> None:
    found: dict[str, list[dict]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as directory:
        save_model(init_model(config_of(shape.vocabulary), seed=0), directory)
        for _ in range(args.rounds):
            for name in names:
                found[name].append(measure(name, directory, shape, args))
    seconds = {
        name: [each for run in runs for each in run["seconds"][WARM_UP:]]
        for name, runs in found.items()
    }
    median = {name: statistics.median(each) for name, each in seconds.items()}
    for name, runs in found.items():
        times = f"{median['TRL'] / median[name]:.2f}" if "TRL" in median else "-"
        grown = statistics.median(run["grown"] for run in runs)
        spread = f"{median[name]:.3f} ({min(seconds[name]):.3f} to {max(seconds[name]):.3f})"
        row = f"| {shape.vocabulary:,} | {shape.prompt} | {shape.replies} | {shape.passes} | "
        row += f"{name} | {spread} | {EPISODES / median[name]:.1f} | {times} | {grown:,.0f} MiB |"
        print(row, flush=True)


if __name__ == "__main__":
    main()
