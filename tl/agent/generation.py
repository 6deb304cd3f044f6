"""What a model directory says about generating: which ids end a reply, which may be read."""

import json
from pathlib import Path

from tl import InputError
from tl.data.encode import Encoder
from tl.generate import Generations, generate
from tl.model.decoder import Decoder


def checked_generate(
    model: Decoder, prompts: list[list[int]], *, source: str, **flags
) -> Generations:
    """`generate` for prompts whose ids all have a row in the embedding."""
    largest, rows = max(map(max, prompts)), model.config.vocab_size
    if largest >= rows:
        raise InputError(
            f"{source}: the tokenizer writes the token id {largest}, expected ids below the "
            f"vocab_size {rows} of config.json; use the tokenizer of this model"
        )
    return generate(model, prompts, **flags)


def stop_ids(encoder: Encoder, model: Decoder, source: str) -> list[int]:
    """The ends of turn of the dialect and of the tokenizer, and those of generation_config.json
    where the model has one.
    """
    path = Path(source) / "generation_config.json"
    try:
        values = json.loads(model.generation_config or b"{}")
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not JSON ({error}); copy the file again") from None
    named = values.get("eos_token_id") if isinstance(values, dict) else None
    named = named if isinstance(named, list) else [] if named is None else [named]
    if not all(type(token) is int and token >= 0 for token in named):
        raise InputError(f"{path}: eos_token_id is {named!r}, expected one id or a list of them")
    return list(dict.fromkeys([*encoder.end_ids, encoder.tokenizer.eos_id, *named]))
