"""What PPO logs, against the definitions; what a split of the work must not change."""

import math
import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kernels import head
from tests.micro import write_model
from tl import InputError
from tl.bench.metrics import judge
from tl.bench.records import Case, Prediction
from tl.calls.schema import Call
from tl.calls.write import format_call
from tl.model.hf import load_model
from tl.rl.advantage import gae, kl_shaped_rewards, whiten
from tl.rl.irm import reward
from tl.rl.metrics import held_out_metrics, held_out_sums, rollout_metrics, update_metrics
from tl.rl.ppo import SUMS, Coefficients, actor_loss, check_first_ratio, critic_loss
from tl.rl.rollout import Recorder, Rollout, join
from tl.world.heldout import single_cases

BY = Coefficients(clip=0.2, value_clip=0.2, value=0.1, entropy=0.01)


class Made(tuple):
    ids = property(lambda self: self[0])
    logprobs = property(lambda self: self[1])
    finished = property(lambda self: self[2])


def random_rollout(
    seed: int, episodes: int = 5, prompts: list[list[int]] | None = None
) -> Rollout:
    """Single replies of 1 to 6 tokens with random numbers in every field."""
    g = torch.Generator().manual_seed(seed)

    def draw(low, high):
        return int(torch.randint(low, high, (), generator=g))

    replies = [[draw(1, 90) for _ in range(draw(1, 7))] for _ in range(episodes)]
    logprobs = [(-torch.rand(len(ids), generator=g)).tolist() for ids in replies]
    cut = [draw(0, 2) == 1 for _ in replies]
    worth = iter([[-2.0, -1.5, -0.25, 1.0][draw(0, 4)] for _ in replies])
    recorder = Recorder(
        lambda prompts, streams: Made((replies, logprobs, [not each for each in cut])),
        [lambda text: next(worth)] * episodes, range(episodes),
    )  # fmt: skip
    recorder.on_round(range(episodes))
    recorder(prompts or [[draw(1, 90) for _ in range(draw(1, 5))] for _ in range(episodes)])
    for number in range(episodes):
        recorder.on_text(number, "")
    rollout = recorder.rollout(["turns"] * episodes)
    mask = rollout.action_mask
    fields = {
        name: torch.where(mask, torch.randn(mask.shape, generator=g), 0.0)
        for name in ("ref_logprobs", "values", "advantages", "returns")
    }
    return rollout._replace(**fields)


def test_rollout_metrics_are_means_over_what_counts():
    rollout = random_rollout(0, episodes=7)
    got = rollout_metrics(rollout, 0.3, lambda x: x)
    mask = rollout.action_mask
    kl = (rollout.logprobs - rollout.ref_logprobs)[mask].sum().item()
    scores = rollout.rewards.sum().item()
    assert got["objective/scores"] == pytest.approx(scores / 7)
    assert got["objective/kl"] == pytest.approx(kl / 7, abs=1e-6)
    assert got["objective/kl_per_token"] == pytest.approx(kl / mask.sum().item(), abs=1e-6)
    assert got["objective/entropy"] == pytest.approx(-rollout.logprobs[mask].sum().item() / 7)
    assert got["objective/rlhf_reward"] == pytest.approx((scores - 0.3 * kl) / 7, abs=1e-6)
    assert got["rollout/truncated"] == rollout.cut.double().mean().item()
    last = rollout.rewards[rollout.call_mask]
    assert got["rollout/correct"] == pytest.approx((last == 1).double().mean().item())
    assert got["rollout/unparseable"] == pytest.approx((last == -2).double().mean().item())
    errors = (rollout.returns - rollout.values)[mask].double()
    spread = rollout.returns[mask].double().var(correction=0)
    expected = 1 - errors.var(correction=0) / spread
    assert got["critic/explained_variance"] == pytest.approx(expected.item(), abs=1e-6)


@given(st.integers(0, 2**32), st.integers(1, 4))
def test_metrics_do_not_depend_on_the_split_over_processes(seed, cut):
    rollout = random_rollout(seed)
    halves = [rollout.select(range(cut)), rollout.select(range(cut, rollout.size))]
    sums = []

    def note(x):
        sums.append(x)
        return x

    for half in halves:
        rollout_metrics(half, 0.1, note)
    together = rollout_metrics(halves[0], 0.1, lambda x: sums[0] + sums[1])
    assert together == pytest.approx(rollout_metrics(rollout, 0.1, lambda x: x), abs=1e-9)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return load_model(write_model(tmp_path_factory.mktemp("model"), vocab_size=96)).double()


def ppo_loss(part, hidden, weight, values, by, count):
    """Of actor and critic: (loss, sums)."""
    losses = actor_loss(part, hidden, weight, by, count), critic_loss(part, values, by, count)
    (actor, actor_sums), (critic, critic_sums) = losses
    return actor + critic, torch.cat([actor_sums, critic_sums])


def gradients(
    model, parts: list[Rollout], count: int, formed=ppo_loss, shared: bool = False
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """(sums, gradients) of a minibatch that is learned part by part, with a toy critic that shares
    the policy's hidden states."""
    model.zero_grad(set_to_none=True)
    sums = torch.zeros(len(SUMS), dtype=torch.float64)
    for part in parts:
        hidden = model(**part.packed(shared), rows=part.rows(shared))
        loss, found = formed(part, hidden, model.lm_head.weight, hidden.sum(1), BY, count)
        loss.backward()
        sums += found
    return sums, [p.grad.clone() for p in model.parameters()]


def definition(part, hidden, weight, values, by, count):
    """`ppo_loss` by autograd, from all logits."""
    chosen = part.action_mask
    old, advantages, old_values, returns = (
        field[chosen].double()
        for field in (part.logprobs, part.advantages, part.values, part.returns)
    )
    log_p = (hidden @ weight.t() / by.temperature).log_softmax(1)  # [N, V]
    log_ratio = log_p.gather(1, part.actions[chosen][:, None]).squeeze(1) - old
    ratio, entropy = log_ratio.exp(), -(log_p.exp() * log_p).sum()
    near = ratio.clamp(1 - by.clip, 1 + by.clip)
    policy = -torch.minimum(advantages * ratio, advantages * near).sum()
    close = old_values + (values - old_values).clamp(-by.value_clip, by.value_clip)
    errors, held = (values - returns).square(), (close - returns).square()
    value = 0.5 * torch.maximum(errors, held).sum()
    loss = (policy + by.value * value - by.entropy * entropy) / count
    k3 = (ratio - 1 - log_ratio).sum()
    cut_off = (advantages * near < advantages * ratio).sum(), (held > errors).sum()
    gap = (ratio - 1).abs().sum()
    sums = policy, k3, cut_off[0], ratio.sum(), gap, entropy, value, cut_off[1]
    return loss, torch.stack([each.detach().double() for each in sums])


@pytest.mark.parametrize("by", [BY, BY._replace(entropy=0.0), BY._replace(temperature=0.7)])
def test_the_loss_is_that_of_its_definition(model, by):
    """All statistics, and the gradients of policy and critic on the same hidden states."""
    rollout = random_rollout(7)
    count = int(rollout.action_mask.sum())
    near = model(**rollout.packed(), rows=rollout.rows()).detach() @ model.lm_head.weight.t()
    near = (near / by.temperature).log_softmax(1).detach()
    near = near.gather(1, rollout.actions[rollout.action_mask][:, None]).squeeze(1)
    moved = 0.3 * torch.randn(count, generator=torch.Generator().manual_seed(1))
    logprobs = rollout.logprobs.double().masked_scatter(rollout.action_mask, near + moved)
    rollout = rollout._replace(logprobs=logprobs, values=rollout.values.double())

    def formed_by(loss):
        return gradients(
            model, [rollout], count, lambda *given: loss(*given[:4], by, given[5])
        )  # fmt: skip

    sums, got = formed_by(ppo_loss)
    expected_sums, expected = formed_by(definition)
    assert 0 < sums[SUMS.index("policy/clipfrac_avg")] < count
    torch.testing.assert_close(sums, expected_sums, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-12)


def test_the_policy_update_takes_three_products(model, monkeypatch):
    """The logits are not multiplied again for their gradient."""
    products = []
    for name in ("product", "accumulate_"):
        original = getattr(head, name)
        monkeypatch.setattr(
            head, name, lambda *a, f=original, n=name, **k: products.append(n) or f(*a, **k)
        )
    rollout = random_rollout(3)
    gradients(model, [rollout], int(rollout.action_mask.sum()))
    assert products == ["product", "product", "accumulate_"]


def widened(rollout: Rollout, places: int) -> Rollout:
    """The same episodes in wider grids: more padding."""
    return Rollout(*(
        torch.nn.functional.pad(each, (0, places))
        if isinstance(each, torch.Tensor) and each.dim() == 2 else each for each in rollout
    ))  # fmt: skip


def test_losses_and_gradients_depend_on_the_episodes_alone(model):
    """Not on padding, on the split into passes, on the order of the episodes."""
    rollout = random_rollout(3)
    count = int(rollout.action_mask.sum())
    sums, expected = gradients(model, [rollout], count)
    assert max(g.abs().max() for g in expected) > 1e-3
    variants = {
        "padding": [widened(rollout, 9)],
        "passes": rollout.parts(2),
        "one by one": rollout.parts(1),
        "order": [rollout.select([4, 0, 3, 1, 2])],
        "joined": [join(rollout.parts(2))],
    }
    for name, parts in variants.items():
        found, got = gradients(model, parts, count)
        torch.testing.assert_close(found, sums, rtol=0, atol=1e-9, msg=name)
        for ours, theirs in zip(got, expected, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10, msg=name)


def test_a_context_that_is_read_once_has_the_gradients_of_all_its_replies(model):
    rollout = random_rollout(3, prompts=[[1, 2, 3, 4]] * 3 + [[1, 2]] * 2)
    assert rollout.packed(True)["branches"] and not rollout.packed()["branches"]
    count = int(rollout.action_mask.sum())
    sums, expected = gradients(model, [rollout], count)
    for parts in ([rollout], rollout.parts(2)):
        found, got = gradients(model, parts, count, shared=True)
        torch.testing.assert_close(found, sums, rtol=0, atol=1e-9)
        for ours, theirs in zip(got, expected, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)


def test_the_loss_is_its_three_terms():
    """Ratios of 1 and values that moved a little: policy gradient, squared error, entropy."""
    part = random_rollout(5)
    mask = part.action_mask
    count = int(mask.sum())
    part = part._replace(actions=torch.zeros_like(part.actions))
    chosen = part.logprobs[mask].double()  # of token 0 of 2
    hidden = torch.stack([chosen, torch.log(-torch.expm1(chosen))], 1).requires_grad_()
    values = (part.values[mask].double() + 0.05).requires_grad_()
    loss, sums = ppo_loss(part, hidden, torch.eye(2).double(), values, BY, count)
    error = values.detach() - part.returns[mask]
    advantages = part.advantages[mask]
    log_p = hidden.log_softmax(1)
    entropy = -(log_p.exp() * log_p).sum(1)
    policy = -(advantages * log_p[:, 0]).mean() - 0.01 * entropy.mean()
    expected = -advantages.mean() + 0.1 * 0.5 * error.square().mean() - 0.01 * entropy.mean()
    assert loss.item() == pytest.approx(expected.item(), abs=1e-6)
    for_hidden, for_values = torch.autograd.grad(loss, (hidden, values))
    (exact,) = torch.autograd.grad(policy, hidden)
    torch.testing.assert_close(for_hidden, exact, rtol=1e-5, atol=1e-8)
    torch.testing.assert_close(for_values, 0.1 * error.double() / count, rtol=1e-5, atol=1e-7)
    found = update_metrics(sums, count)
    assert found["val/ratio"] == pytest.approx(1, abs=1e-9)
    assert max(found["val/ratio_gap"], found["policy/approxkl_avg"]) < 1e-9
    assert found["policy/entropy_avg"] == pytest.approx(entropy.mean().item())


def test_advantages_depend_on_the_episodes_alone():
    """Padding and order of rows change neither GAE nor whitening."""
    rollout = random_rollout(4)

    def advantages(r: Rollout):
        shaped = kl_shaped_rewards(r.rewards, r.logprobs, r.ref_logprobs, r.action_mask, 0.1)
        found, _ = gae(shaped, r.values, r.action_mask, 1.0, 0.95, r.bootstrap)
        return whiten(found, r.action_mask)[r.action_mask]

    expected = advantages(rollout)
    torch.testing.assert_close(advantages(widened(rollout, 7)), expected)
    order = [4, 0, 3, 1, 2]
    back = rollout.select(order)
    at = [order.index(i) for i in range(5)]
    pieces = advantages(back).split(back.action_mask.sum(1).tolist())
    torch.testing.assert_close(torch.cat([pieces[i] for i in at]), expected)


def test_update_metrics_are_means():
    sums = torch.arange(8.0).double()
    assert update_metrics(sums, 2) == {name: i / 2 for i, name in enumerate(SUMS)}


def test_held_out_metrics():
    rewards = [1.0, -0.25, -1.5, -2.0, -1.8, -0.25, -1.5]
    needless = [False] * 5 + [True] * 2
    over = [True] * 5 + [False, True]
    got = held_out_metrics(held_out_sums(rewards, needless, over), "unseen")
    assert got == {
        "eval/unseen/reward": pytest.approx(sum(rewards) / 7), "eval/unseen/ts": 0.6,
        "eval/unseen/cf": 0.2, "eval/unseen/over_calling": 0.5,
    }  # fmt: skip
    assert held_out_metrics(held_out_sums([1.0], [False], [True]), "x").keys() == {
        "eval/x/reward", "eval/x/ts", "eval/x/cf",
    }  # fmt: skip


def test_the_first_ratio_must_be_one():
    check_first_ratio(1e-6, torch.float32)
    check_first_ratio(0.01, torch.bfloat16)
    for gap, dtype in ((0.01, torch.float32), (0.2, torch.bfloat16), (math.nan, torch.float32)):
        with pytest.raises(InputError, match="Likely causes: another temperature"):
            check_first_ratio(gap, dtype)


def test_reward_and_evaluation_agree_about_first_calls():
    """A reply of one call has TS and CF in eval.py where PPO's held-out metrics say so."""
    rng = random.Random(0)
    cases = [case for case in single_cases("unseen", 150) if case.kind == "tool"]
    seen = set()
    for case in cases:
        gold = rng.choice(case.golds)
        said = rng.choice([gold, Call(gold.name), rng.choice(cases).golds[0],
                           Call("no_such_tool", gold.arguments),
                           Call(gold.name, dict.fromkeys(gold.arguments, 0))])  # fmt: skip
        text = format_call(said)
        bench = Case(case.id, case.query, case.tools, case.golds, case.kind)
        verdict = judge(bench, Prediction(text, said, False))
        sums = held_out_sums([reward(text, case.golds, case.tools)], [False], [True])
        found = held_out_metrics(sums, "x")
        assert (found["eval/x/ts"], found["eval/x/cf"]) == (verdict.ts, verdict.cf), text
        seen.add((verdict.ts, verdict.cf))
    assert seen == {(True, True), (True, False), (False, False)}
