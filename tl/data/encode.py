"""A conversation as training example: token ids, the target at every position, and its weight.

Targets are stored per position, not shifted: `targets[i]` is the token that the model should
produce after having read `input_ids[i]`. At the last token of a reply that is the end of turn,
whatever the conversation continues with. So one forward pass over a trajectory of k replies has
exactly the loss of the k samples, one per reply, into which the authors' code splits it, at a k-th
of the cost.

    ids       <s> ...  Assistant :   ▁get  _time  (  )    \\n  Output :  ...
    targets            .         ▁get  _time  (   )  </s>   .   .    .   ...
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

import torch
from torch import Tensor

from tl import InputError
from tl.calls.feedback import ErrorType
from tl.calls.schema import Conversation
from tl.data.mae import erroneous_calls
from tl.data.pkt import NameTokens, key_weight, reply_key_tokens
from tl.data.tokenizer import Tokenizer
from tl.dialects.segment import Dialect, Segment

NO_TARGET = -100
NORMALIZATIONS = ("weight", "call")


class Reply(NamedTuple):
    """One reply of the assistant inside an example.

    start, end: its tokens are input_ids[start:end]; they are predicted at start - 1 .. end - 2, its
        end of turn at end - 1.
    end_of_turn: the id that ends the turn; None where another call of the same turn follows.
    key_tokens: positions in input_ids.
    trained: False where it is context only.
    error: why its call counts as erroneous (found whether or not errors are masked).
    """

    start: int
    end: int
    key_tokens: tuple[int, ...]
    trained: bool
    error: ErrorType | None
    end_of_turn: int | None


@dataclass(frozen=True)
class Example:
    """One trajectory. Shapes: input_ids, targets: int64[T]; weights: float32[T], 0 where nothing is
    learned.
    """

    source: str
    input_ids: Tensor
    targets: Tensor
    weights: Tensor
    replies: tuple[Reply, ...]

    def __len__(self) -> int:
        return len(self.input_ids)

    @property
    def weight(self) -> float:
        """Sum of the weights, what this example adds to the denominator of the loss."""
        return float(self.weights.sum(dtype=torch.float64))

    @property
    def learned(self) -> int:
        """Number of tokens that are learned."""
        return int((self.weights > 0).sum())

    @property
    def key_mask(self) -> Tensor:
        """bool[T]: where a key token is predicted and learned."""
        mask = torch.zeros(len(self), dtype=torch.bool)
        mask[[key - 1 for reply in self.replies for key in reply.key_tokens]] = True
        return mask & (self.weights > 0)


class Encoder:
    """Conversation -> Example, with MAE and PKT.

    mask_errors: MAE; erroneous calls get the weight 0.
    max_weight: PKT's w_max; 1 switches the weighting off.
    normalization: "weight": the weights as they are. "call": the weights of each reply are divided
        by their sum, so that every call counts the same (the authors' code). Either way the caller
        divides the loss by the sum of all weights of the global batch, which under "call" is the
        number of replies.
    max_length: longest example in tokens; a longer one is refused, never cut.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        dialect: Dialect,
        *,
        mask_errors: bool = True,
        max_weight: float = 9.0,
        normalization: str = "weight",
        max_length: int | None = None,
    ):
        assert normalization in NORMALIZATIONS, normalization
        self.tokenizer = tokenizer
        self.dialect = dialect
        self.mask_errors = mask_errors
        self.max_weight = max_weight
        self.normalization = normalization
        self.max_length = max_length
        self._names = NameTokens(tokenizer)
        own = tokenizer.eos_id
        self.end_ids = tuple(self._control_id(token) for token in dialect.ends) or (own,)

    def __call__(self, conversation: Conversation) -> Example:
        """Raises InputError, naming the record, if it is too long or cannot be tokenised."""
        try:
            ids, replies = self._encode(conversation)
        except InputError as error:  # of the dialect or the tokenizer, which know no records
            raise InputError(f"{conversation.source}: {error}") from error
        if self.max_length and len(ids) > self.max_length:
            raise InputError(
                f"{conversation.source}: {len(ids)} tokens, --max_length allows {self.max_length}; "
                "raise it, or leave such records out with --on_bad_record skip"
            )
        input_ids = torch.tensor(ids)
        targets, weights = self._targets(input_ids, replies)
        return Example(conversation.source, input_ids, targets, weights, tuple(replies))

    def prompt_ids(self, conversation: Conversation) -> list[int]:
        """The ids that the model continues with its next reply: the same as in training."""
        ids: list[int] = []
        for segment in self.dialect.render_prompt(conversation):
            ids += self._segment_ids(segment, first=not ids)
        return ids

    def following_ids(self, conversation: Conversation, message: int) -> list[int]:
        """The part of `prompt_ids` that stands behind the reply in messages[message]: what a model
        reads next after the ids that it has generated itself, which need not be those that the
        tokenizer gives their text.
        """
        segments = self.dialect.render_prompt(conversation)
        last = max(i for i, each in enumerate(segments) if each.reply and each.message == message)
        return [id for each in segments[last + 1 :] for id in self._segment_ids(each, first=False)]

    def _control_id(self, token: str) -> int:
        found = self.tokenizer.control_id(token)
        if found is None:
            raise InputError(
                f"--dialect {self.dialect.name} writes the control token {token!r}, which the "
                "tokenizer of the model does not have; use --dialect auto, or codellama, react or "
                "openai, which need none"
            )
        return found

    def _encode(self, conversation: Conversation) -> tuple[list[int], list[Reply]]:
        errors = erroneous_calls(conversation)
        offered = list(dict.fromkeys(tool.name for tool in conversation.tools))
        ids: list[int] = []
        replies = []
        segments = self.dialect.render(conversation)
        for segment, following in zip_longest(segments, segments[1:]):
            start = len(ids)
            ids += self._segment_ids(segment, first=not ids)
            if segment.reply:
                self._check_reversible(segment, ids[start:])
                keys = tuple(start + key for key in self._key_tokens(segment, offered))
                trained = conversation.messages[segment.message].trained
                error = errors.get((segment.message, segment.call))
                end = None if following and following.reply else self._end_id(segment)
                replies.append(Reply(start, len(ids), keys, trained, error, end))
        return ids, replies

    def _end_id(self, segment: Segment) -> int:
        return self.tokenizer.eos_id if segment.end is None else self._control_id(segment.end)

    def _segment_ids(self, segment: Segment, first: bool) -> list[int]:
        ids: list[int] = []
        for place, (text, is_control) in enumerate(_pieces(segment)):
            if is_control:
                ids.append(self._control_id(text))
            elif first and place == 0:
                ids += self.tokenizer.encode(text)
            else:
                ids += self.tokenizer.encode_segment(text)
        bos = self.tokenizer.bos_id
        is_missing = first and self.dialect.bos and self.tokenizer.add_bos and ids[:1] != [bos]
        return [bos, *ids] if is_missing else ids

    def _key_tokens(self, segment: Segment, offered: list[str]) -> list[int]:
        """Positions in the segment's ids; control tokens are one id each."""
        if segment.name_span is None:
            return []
        (start, end), length, characters = segment.name_span, 0, 0
        for text, is_control in _pieces(segment):
            if not is_control and characters <= start < characters + len(text):
                span = (start - characters, end - characters)
                keys = reply_key_tokens(text, span, offered, self._names, self.tokenizer)
                return [length + key for key in keys]
            length += 1 if is_control else len(self.tokenizer.encode_segment(text))
            characters += len(text)
        raise AssertionError("a name that is part of a control token")

    def _check_reversible(self, segment: Segment, ids: list[int]) -> None:
        """What is learned must be what was written: decode(ids of the reply) == its text, in which
        control tokens have no letters.
        """
        text = self.tokenizer.decode_segment(ids)
        written = "".join(piece for piece, is_control in _pieces(segment) if not is_control)
        if text not in (written, unicodedata.normalize("NFC", written)):
            raise InputError(
                f"message {segment.message}: the tokenizer turns the reply {written!r} into "
                f"{text!r}; use the tokenizer that belongs to the model"
            )

    def _targets(self, input_ids: Tensor, replies: list[Reply]) -> tuple[Tensor, Tensor]:
        targets = torch.full_like(input_ids, NO_TARGET)
        weights = torch.zeros(len(input_ids), dtype=torch.float32)
        for reply in replies:
            if not reply.trained or (reply.error and self.mask_errors):
                continue
            targets[reply.start - 1 : reply.end - 1] = input_ids[reply.start : reply.end]
            if reply.end_of_turn is not None:
                targets[reply.end - 1] = reply.end_of_turn
            weight = self._reply_weights(reply)
            weights[reply.start - 1 : reply.start - 1 + len(weight)] = weight
        return targets, weights

    def _reply_weights(self, reply: Reply) -> Tensor:
        """float32[tokens of the reply], and one more for the end of turn where there is one."""
        weights = torch.ones(reply.end - reply.start + (reply.end_of_turn is not None))
        if reply.key_tokens:
            weight = key_weight(len(weights), len(reply.key_tokens), self.max_weight)
            weights[[k - reply.start for k in reply.key_tokens]] = weight
        return weights / weights.sum() if self.normalization == "call" else weights


def _pieces(segment: Segment) -> Iterator[tuple[str, bool]]:
    """(text, whether it is a control token), in order; an empty text for an empty segment."""
    position = 0
    for start, end in segment.controls:
        if position < start:
            yield segment.text[position:start], False
        yield segment.text[start:end], True
        position = end
    if position < len(segment.text) or not segment.controls:
        yield segment.text[position:], False
