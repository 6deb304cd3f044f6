"""Batched generation: prompts in, continuations with their log-probabilities out.

    generations = generate(model, prompts, max_new_tokens=64, eos_ids=[tokenizer.eos_id])

    p_t  = softmax(z_t / temperature),      z_t the logits after prompt and y_1 .. y_{t-1}
    y_t  ~ p_t, or from the smallest set of the likeliest tokens with mass >= top_p
    y_t  = argmax z_t                       temperature 0

Up to `batch_size` sequences are alive at one time. In each turn of the loop

    finished sequences leave, waiting ones take their places (the longest first: neighbours in the
                              queue are of similar length, so that slots are well filled)
    prefill                   new sequences are read without their last token, packed end to end
    decode                    one token of each sequence is read: the last of its prompt, or the one
                              that was drawn before; the logits behind it give the next

Nothing depends on which sequences share a batch, up to the rounding of matrix products: each one
has its own random stream, and is never padded.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from tl import InputError
from tl.model.cache import KVCache
from tl.model.decoder import Decoder

# Tokens of one prefill pass, at most, unless a single prompt is longer. On the CPU the activations
# of so many stay in the cache (measured: a tenth faster than 4096).
CPU_PREFILL_TOKENS, CUDA_PREFILL_TOKENS = 1024, 8192
# From so many words on, tokens are drawn in two stages (measured: 32 rows of 32,000 words take 0.4
# instead of 1.0 ms on a core, ten times that where 8 MB of sums are fresh memory).
LARGE_VOCABULARY, DRAWN_BLOCK = 8192, 256
COLDEST = 1e-30  # of all temperatures but 0: logits divided by less can leave float32


class Generations(NamedTuple):
    """What was generated, in the order of the prompts."""

    ids: list[list[int]]  # without the prompt; the stop id that ended it is its last token
    logprobs: list[list[float]]  # log p_t(y_t) in nats, one per id
    finished: list[bool]  # True = ended by a stop id, False = by max_new_tokens or max positions


@dataclass
class _Sequence:
    index: int  # of its prompt
    stream: int  # of random numbers
    prompt: tuple[int, ...]
    context: list[int]  # prompt and what was generated
    limit: int  # tokens that may be generated
    uniforms: list[float] | None = None  # in (0, 1], one for each of `limit` tokens; None = greedy
    logprobs: list[float] = field(default_factory=list)
    finished: bool = False

    @property
    def is_over(self) -> bool:
        return self.finished or len(self.logprobs) >= self.limit


@torch.inference_mode()
def generate(
    model: Decoder,
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int | Sequence[int],
    eos_ids: Iterable[int],
    temperature: float = 0.0,
    top_p: float = 1.0,
    generator: torch.Generator | None = None,
    streams: Sequence[int] | None = None,
    batch_size: int = 64,
) -> Generations:
    """Continue each prompt (token ids, at least one) until a stop id or its limit.

    Args:
        max_new_tokens: for all prompts, or one number per prompt. Prompt and continuation together
            never exceed the model's max_position_embeddings; a prompt that fills them gets nothing.
        eos_ids: ids that end a sequence. Empty: nothing does.
        temperature: 0 takes the likeliest token; else COLDEST or more.
        top_p: draw from the smallest set of likeliest tokens that holds this mass.
        generator: needed where temperature > 0. One number is drawn from it; prompt i has the
            random stream that this number and streams[i] decide.
        streams: one number >= 0 per prompt, 0, 1, ... by default. Processes that share the prompts
            of a batch number them over all of it, and draw what one process would.
        batch_size: sequences alive at one time. The cache takes as much memory as so many of the
            longest of them.

    Returns:
        Generations. The log-probs are those of the model at this temperature before top_p cuts
        (temperature 1 for greedy): what PPO compares with a later pass over the same tokens.

    Raises:
        InputError: a prompt is empty or has an id outside the vocabulary, an argument is out of its
            range, the model's logits are NaN.
    """
    limits = _limits(model, prompts, max_new_tokens)
    streams = range(len(prompts)) if streams is None else streams
    _check_arguments(temperature, top_p, generator, batch_size)
    stops = frozenset(eos_ids)
    sequences = [
        _Sequence(index, stream, tuple(prompt), list(prompt), limit)
        for index, (prompt, limit, stream) in enumerate(zip(prompts, limits, streams, strict=True))
    ]
    seed = None
    if temperature > 0:
        seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
    batch = _Batch(model, min(batch_size, len(sequences)))
    waiting = sorted((each for each in sequences if each.limit > 0), key=lambda s: len(s.context))
    while waiting or batch.live:
        joining = [waiting.pop() for _ in range(min(batch.free, len(waiting)))]
        for sequence in joining if seed is not None else ():
            sequence.uniforms = _uniforms(seed, sequence)
        batch.join(joining)
        _extend(batch, temperature, top_p, stops)
        batch.drop_finished()
    return Generations(
        [each.context[len(each.prompt) :] for each in sequences],
        [each.logprobs for each in sequences],
        [each.finished for each in sequences],
    )


class _Batch:
    """The sequences that are alive and their cache: `live[b]` has slot b."""

    def __init__(self, model: Decoder, slots: int):
        self.model = model
        weight = model.model.embed_tokens.weight
        self.device = weight.device
        dtype = weight.dtype
        if torch.is_autocast_enabled(self.device.type):
            dtype = torch.get_autocast_dtype(self.device.type)
        self.cache = KVCache(model.config, slots, dtype, self.device)
        self.slots = slots
        self.live: list[_Sequence] = []

    @property
    def free(self) -> int:
        return self.slots - len(self.live)

    def join(self, sequences: list[_Sequence]) -> None:
        """Give them slots and read them, all but their last tokens; likewise those whose rotary
        frequencies change at the length that they have reached. One prompt is read once, however
        many sequences begin with it."""
        changes_at = self.model.config.rope.changes_at
        unread = [b for b, each in enumerate(self.live) if changes_at(len(each.context))]
        joining = range(len(self.live), len(self.live) + len(sequences))
        self.live += sequences
        twins = self._twins(joining)
        for slots in self._passes([*unread, *(slot for slot in joining if slot not in twins)]):
            self._prefill(slots)
        for slot, twin in twins.items():
            self.cache.copy(twin, slot, len(self.live[slot].prompt) - 1)

    def _twins(self, joining: range) -> dict[int, int]:
        """The slots among these whose prompt stands in one before them, and that one. None where
        keys depend on the length that a sequence has reached."""
        if not joining or self.model.config.rope.depends_on_length:
            return {}
        first: dict[tuple[int, ...], int] = {}
        for slot, sequence in enumerate(self.live):
            first.setdefault(sequence.prompt, slot)
        of_joining = {slot: first[self.live[slot].prompt] for slot in joining}
        return {slot: twin for slot, twin in of_joining.items() if twin < slot}

    def _passes(self, slots: list[int]) -> list[list[int]]:
        """The slots that have something to read, in groups for one pass each."""
        most = CPU_PREFILL_TOKENS if self.device.type == "cpu" else CUDA_PREFILL_TOKENS
        groups: list[list[int]] = []
        room = 0
        for slot in slots:
            length = len(self.live[slot].context) - 1
            if not length:
                continue
            if length > room:
                groups.append([])
                room = most
            groups[-1].append(slot)
            room -= length
        return groups

    def _prefill(self, slots: list[int]) -> None:
        contexts = [self.live[slot].context for slot in slots]
        ids = [token for context in contexts for token in context[:-1]]
        cache = self.cache.prefill(slots, [len(context) for context in contexts])
        self.model.prefill(torch.tensor(ids, device=self.device), cache)

    def decode(self) -> Tensor:
        """Read the last token of every sequence: logits [B, V] of the next ones."""
        last = torch.tensor([each.context[-1] for each in self.live], device=self.device)
        return self.model.decode(last, self.cache.decode([len(each.context) for each in self.live]))

    def drop_finished(self) -> None:
        """Finished sequences leave; the last ones move into their slots."""
        for slot in reversed(range(len(self.live))):
            if self.live[slot].is_over:
                self.live[slot].uniforms = None
                last = self.live.pop()
                if slot < len(self.live):
                    self.live[slot] = last
                    self.cache.copy(len(self.live), slot, len(last.context) - 1)


def _extend(batch: _Batch, temperature: float, top_p: float, stops: frozenset[int]) -> None:
    """One more token for every sequence of the batch."""
    logits = batch.decode()  # [B, V]
    if temperature > 0:
        drawn = [each.uniforms[len(each.logprobs)] for each in batch.live]
        uniforms = torch.tensor(drawn, dtype=torch.float64, device=batch.device)  # [B]
        logprobs = logits.div_(temperature).log_softmax(-1)  # [B, V]
        tokens = draw(logprobs.exp(), uniforms, top_p)  # [B]
    else:
        logprobs = logits.log_softmax(-1)  # [B, V]
        tokens = logits.argmax(-1)  # [B]
    chosen = logprobs.gather(1, tokens[:, None])[:, 0]  # [B]
    for sequence, token, logprob in zip(batch.live, tokens.tolist(), chosen.tolist(), strict=True):
        if math.isnan(logprob):
            where = f"prompts[{sequence.index}], token {len(sequence.logprobs)}"
            raise InputError(f"{where}: the model's logits are NaN, expected finite numbers")
        sequence.context.append(token)
        sequence.logprobs.append(logprob)
        sequence.finished = token in stops


def draw(probabilities: Tensor, uniforms: Tensor, top_p: float = 1.0) -> Tensor:
    """Tokens [B] from probabilities[B, V], by inversion: the first whose cumulated mass reaches
    u * (mass of all that may be drawn), uniforms[B] float64 in (0, 1].

    top_p < 1 draws from the likeliest tokens, as many as it takes for a mass >= top_p (Holtzman
    et al. 2020, arXiv:1904.09751).
    """
    if top_p == 1 and probabilities.shape[1] > LARGE_VOCABULARY:
        return draw_by_blocks(probabilities, uniforms)
    if top_p < 1:
        probabilities, order = probabilities.sort(dim=-1, descending=True, stable=True)
    masses = probabilities.cumsum(-1, dtype=torch.float64)  # [B, V]
    drawable = masses[:, -1:]  # [B, 1]
    if top_p < 1:
        last = torch.searchsorted(masses, top_p * drawable)  # [B, 1] of the smallest set
        drawable = masses.gather(1, last)
    picked = torch.searchsorted(masses, uniforms[:, None] * drawable)  # [B, 1]
    picked = picked.clamp(max=masses.shape[1] - 1)  # NaN is larger than everything
    return (order.gather(1, picked) if top_p < 1 else picked)[:, 0]


def draw_by_blocks(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    """The same from all tokens: first the block of DRAWN_BLOCK tokens in which the mass is reached,
    then the token in it, so that only one block per row is cumulated.

    A token without mass is never the first to reach anything: `share` is above 0 and at most 1.
    """
    size = probabilities.shape[1]
    blocks = size // DRAWN_BLOCK
    whole, rest = probabilities.tensor_split([blocks * DRAWN_BLOCK], dim=1)
    sums = whole.unflatten(1, (blocks, DRAWN_BLOCK)).sum(2)  # [B, blocks]
    sums = torch.cat([sums, rest.sum(1, keepdim=True)], dim=1)  # [B, blocks + 1]
    masses = F.pad(sums.double().cumsum(1), (1, 0))  # [B, blocks + 2] below each block, and in all
    target = uniforms[:, None] * masses[:, -1:]  # [B, 1], as are those of the block
    block = (torch.searchsorted(masses, target) - 1).clamp(0, blocks)  # NaN too has a place
    below, reached = masses.gather(1, block), masses.gather(1, block + 1)
    share = ((target - below) / (reached - below)).clamp(max=1)
    tokens = block * DRAWN_BLOCK + torch.arange(DRAWN_BLOCK, device=block.device)
    inside = probabilities.gather(1, tokens.clamp(max=size - 1)).masked_fill_(tokens >= size, 0)
    inside = inside.cumsum(1, dtype=torch.float64)  # [B, DRAWN_BLOCK]
    picked = torch.searchsorted(inside, share * inside[:, -1:])
    return (block * DRAWN_BLOCK + picked).clamp(max=size - 1)[:, 0]


def _uniforms(seed: int, sequence: _Sequence) -> list[float]:
    """The random stream of a sequence: `limit` numbers in (0, 1]."""
    own = torch.Generator().manual_seed((seed + sequence.stream * 0x9E3779B97F4A7C15) % 2**63)
    return (1 - torch.rand(sequence.limit, generator=own, dtype=torch.float64)).tolist()


def _limits(
    model: Decoder, prompts: Sequence[Sequence[int]], max_new_tokens: int | Sequence[int]
) -> list[int]:
    """How many tokens each sequence may get; the prompts are checked."""
    vocabulary, positions = model.config.vocab_size, model.config.max_position_embeddings
    for index, prompt in enumerate(prompts):
        if not len(prompt):
            raise InputError(f"prompts[{index}]: got no tokens, expected at least one (BOS)")
        outside = min(prompt) if min(prompt) < 0 else max(prompt)
        if not 0 <= outside < vocabulary:
            got = f"got token id {outside}"
            raise InputError(f"prompts[{index}]: {got}, expected ids in [0, {vocabulary})")
    each = max_new_tokens
    wanted = [each] * len(prompts) if isinstance(each, int) else list(each)
    if len(wanted) != len(prompts) or min(wanted, default=0) < 0:
        raise InputError(
            f"max_new_tokens: got {each}, expected a number >= 0, or one for each of the "
            f"{len(prompts)} prompts"
        )
    return [min(n, positions - len(prompt)) for n, prompt in zip(wanted, prompts, strict=True)]


def _check_arguments(
    temperature: float, top_p: float, generator: torch.Generator | None, batch_size: int
) -> None:
    if not (temperature == 0 or COLDEST <= temperature < math.inf):
        expected = f"expected 0 (greedy) or a finite number >= {COLDEST}"
        raise InputError(f"temperature: got {temperature}, {expected}")
    if not 0 < top_p <= 1:
        raise InputError(f"top_p: got {top_p}, expected a number in (0, 1]")
    if temperature > 0 and generator is None:
        raise InputError(f"generator: got None, expected a torch.Generator at {temperature=}")
    if batch_size < 1:
        raise InputError(f"batch_size: got {batch_size}, expected a number >= 1")
