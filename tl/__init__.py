"""Teach a Llama-family language model to use tools: SFT with masked errors and weighted key tokens,
PPO, evaluation.

Rooms, from the ground up; imports go down only (`tests/test_layers.py` walks them):

    json_file    text and JSON files, and what to say of damaged ones
    durable_file writing files so that a crash leaves the old content or the new
    calls        what a tool is, what a call is, when two calls agree, what a feedback says
    world        an embedded, offline world of executable tools with a scripted teacher
    dialects     how a model family writes tools, calls and feedback
    data         conversations -> token ids, targets, weights, packed streams
    model        the decoder, from and to Hugging Face directories
    generate     continuations of prompts, with their log-probabilities
    rl           reward, rollouts, advantages, the losses of PPO
    agent        the runtime loop: the model decides, the application executes
    bench        metrics, anatomy of errors, reports
    run          processes, optimizer, checkpoints, run log, command line

Legend for shapes, used in every docstring and trailing comment of the project:

    T  tokens in a packed stream        H  attention heads
    S  sequences in a packed stream     K  key/value heads
    B  rows of a batch                  D  head dimension
    E  hidden size                      V  vocabulary

A name that ends in `_mask` is True where the position counts. The target -100 means "nothing to
predict here".
"""


class InputError(ValueError):
    """Something the user gave cannot be used: a flag, a file, a record, a checkpoint.

    The message is complete for a reader who sees nothing else: where (`file:record` or flag), what
    was got, what was expected, what to do. Scripts print it as one `error:` line and exit with
    status 1, without a traceback.
    """
