"""Which of several continuations of a prompt is the likeliest.

    log p(continuation | prompt) = sum_t log p(y_t | prompt, y_1 .. y_{t-1})

Inputs that are equal are read once: continuations of one token each, as option letters are, cost
one pass over the prompt.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from tl.model.decoder import Decoder


@torch.inference_mode()
def log_likelihoods(
    decoder: Decoder, prompts: Sequence[list[int]], continuations: Sequence[Sequence[list[int]]]
) -> list[list[float]]:
    """For each prompt the log-probability, in nats, of each of its continuations.

    Prompts and continuations are token ids, at least one each; continuations[i] belong to
    prompts[i]. Everything is packed into one stream, without padding.
    """
    inputs: dict[tuple[int, ...], int] = {}  # prompt and all but the last token -> its place
    for prompt, options in zip(prompts, continuations, strict=True):
        for option in options:
            inputs.setdefault((*prompt, *option[:-1]), len(inputs))
    hidden = _read(decoder, list(inputs))
    return [
        [
            _score(decoder, hidden[inputs[(*prompt, *option[:-1])]], len(prompt), option)
            for option in options
        ]
        for prompt, options in zip(prompts, continuations, strict=True)
    ]


def _read(decoder: Decoder, sequences: list[tuple[int, ...]]) -> list[Tensor]:
    """The hidden states [T, E] of each sequence."""
    lengths = [len(each) for each in sequences]
    device = decoder.lm_head.weight.device
    input_ids = torch.tensor([token for each in sequences for token in each], device=device)
    position_ids = torch.cat([torch.arange(length, device=device) for length in lengths])
    ends = torch.tensor([0, *lengths], device=device).cumsum(0).to(torch.int32)
    hidden = decoder(input_ids=input_ids, position_ids=position_ids, cu_seqlens=ends)
    return list(hidden.split(lengths))


def _score(decoder: Decoder, hidden: Tensor, start: int, option: list[int]) -> float:
    """log p of the option's tokens behind the first `start` ones of the sequence."""
    rows = hidden[start - 1 :]  # [len(option), E]
    logprobs = (rows @ decoder.lm_head.weight.T).float().log_softmax(-1)
    targets = torch.tensor(option, device=rows.device)
    return float(logprobs.gather(1, targets[:, None]).sum())
