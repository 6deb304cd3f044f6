"""Breaks the fused losses on purpose, one trap at a time, and shows which test notices.

    python tests/mutate_kernels.py             a table; exit code 1 if a broken copy passes

Each line changes one place in a copy of kernels/, runs the test beside it there, and expects it to
fail. The traps are those that published fused losses have fallen into; see test_fused_losses.py.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import hypothesis  # noqa: F401  imported once, each test runs in a fork of this process
import pytest
import torch  # noqa: F401

ROOT = Path(__file__).resolve().parents[1]


class Mutation(NamedTuple):
    trap: str
    file: str
    old: str
    new: str
    test: str


FUSED, AUTOGRAD = "test_fused_losses.py::", "test_fused_autograd.py::"
POLICY, COMPILED = "test_policy_loss.py::", "test_kernels_compile.py::"
BENCH = "test_kernels_bench.py::"
MUTATIONS = [
    Mutation("1 one coefficient for all rows", "rows_triton.py",
             "g = tl.load(first + t)", "g = tl.load(first)",
             FUSED + "test_equals_the_float64_definition"),
    Mutation("1 upstream gradient of row 0 for all", "rows_torch.py",
             "g, h = for_logprobs[:, None]", "g, h = for_logprobs[:1, None]",
             "test_token_logprobs.py::test_equals_the_float64_definition"),
    Mutation("2 1 - p as a difference, float32", "rows_triton.py",
             "(g * others - h", "(g * (total - e_y) - h",
             FUSED + "test_peaked_rows_keep_their_digits"),
    Mutation("2 p rounded before 1 is taken off", "rows_triton.py",
             "at_y = scale * (g * others", "e_y = (e_y / total).to(tl.bfloat16).to(tl.float32)"
             " * total\n        at_y = scale * (g * (total - e_y)",
             FUSED + "test_bfloat16_is_no_worse_than_torch"),
    Mutation("3 dW summed in bfloat16", "matmul.py",
             "return torch.addmm(out, *_operands(a, b), **_sums(a), out=out)",
             "return out.copy_(torch.addmm(out, *_operands(a, b)).bfloat16())",
             FUSED + "test_bfloat16_error_does_not_grow_with_the_number_of_chunks"),
    Mutation("4 products of float32 operands", "head.py",
             "return torch.bfloat16, torch.float32", "return torch.float32, torch.float32",
             FUSED + "test_bfloat16_operands_and_float32_sums"),
    Mutation("5 columns beyond V count as 0", "rows_triton.py",
             'other=-float("inf")', "other=0.0", FUSED + "test_ragged_vocabularies"),
    Mutation("5 columns beyond V are written", "rows_triton.py",
             "d, mask=start + columns < V)", "d, mask=start + columns < V + 1)",
             FUSED + "test_columns_beyond_the_vocabulary_are_neither_read_nor_written"),
    Mutation("6 mean over no rows", "linear_cross_entropy.py",
             "nll.double()).to(add)", "nll.double()).to(add) / nll.numel() * nll.numel()",
             FUSED + "test_no_row_counts"),
    Mutation("7 the last, smaller chunk is lost", "head.py",
             "range(0, count, size)", "range(0, max(1, count - count % size), size)",
             FUSED + "test_sparse_masks"),
    Mutation("8 logits in bfloat16", "head.py",
             "return product(x, weight.t(), out=None if buffer is None else buffer[: len(x)])",
             "z = product(x, weight.t(), out=None if buffer is None else buffer[: len(x)])\n"
             "    return z.copy_(z.bfloat16())",
             FUSED + "test_bfloat16_logprobs_are_float32_to_rounding"),
    Mutation("9 int32 offsets", "rows_triton.py",
             "    t = tl.program_id(0).to(tl.int64)", "    t = tl.program_id(0)",
             AUTOGRAD + "test_offsets_pass_2_to_the_31"),
    Mutation("10 hidden is taken for contiguous", "head.py",
             "return self.hidden[chunk",
             "return self.hidden.as_strided(self.hidden.shape, (self.hidden.shape[1], 1))[chunk",
             AUTOGRAD + "test_strides_and_alignment_do_not_matter"),
    Mutation("10 rows of z are taken for adjacent", "rows_triton.py",
             "logprobs, entropy, z.stride(0),", "logprobs, entropy, V,",
             FUSED + "test_columns_beyond_the_vocabulary_are_neither_read_nor_written"),
    Mutation("10 stride 0 of an upstream gradient", "rows_triton.py",
             "else t.contiguous() for t in (first", "else t for t in (first",
             AUTOGRAD + "test_strided_upstream_gradients_of_logprobs"),
    Mutation("11 the second backward scales again", "forward_gradients.py",
             "    ctx.gradients = None", "    pass",
             AUTOGRAD + "test_every_backward_over_a_retained_graph_is_right"),
    Mutation("11 an upstream gradient is ignored", "rows_triton.py",
             "if f != 1.0:", "if f > 1.0:",
             AUTOGRAD + "test_every_backward_over_a_retained_graph_is_right"),
    Mutation("12 a frozen weight costs a product", "forward_gradients.py",
             "        d_rows, d_weight, loss, *statistics = op(*tensors, *options, *needs)",
             "        d_rows, d_weight, loss, *statistics = op(*tensors, *options, True, True)",
             AUTOGRAD + "test_frozen_inputs_get_no_gradient_and_cost_no_product"),
    Mutation("13 float64 in the kernel", "rows_triton.py",
             "s = x / (2 + x)", "s = (x.to(tl.float64) / (2 + x)).to(tl.float32)",
             COMPILED + "test_the_row_kernel_compiles_for_hopper"),
    Mutation("the largest block for all modes: it spills", "rows_triton.py",
             "NLL_BLOCK if mode == NLL and whole <=", "NLL_BLOCK if whole <=",
             COMPILED + "test_the_row_kernel_compiles_for_hopper"),
    Mutation("14 looks whether upstream is 1", "rows_triton.py",
             "    blocks = triton.cdiv(", "    if upstream.item() == 1:\n        return gradient\n"
             "    blocks = triton.cdiv(", AUTOGRAD + "test_no_op_stops_the_device"),
    Mutation("15 divides by its own share", "linear_cross_entropy.py",
             "coefficients = coefficients.to(add)  # [N]",
             "coefficients = coefficients.to(add) / coefficients.abs().sum().clamp_min(1e-9)",
             AUTOGRAD + "test_the_shares_of_processes_sum_up"),
    Mutation("17 flat inputs in the benchmark", "bench/cases.py",
             "hidden = randn(case.tokens, E) + s * weight[targets]",
             "hidden = randn(case.tokens, E) + 0 * s * weight[targets]",
             BENCH + "test_targets_are_of_every_probability"),
    Mutation("PPO: the wrong side is clipped", "rows_triton.py",
             "moves = (unclipped >= clipped)", "moves = (unclipped <= clipped)",
             POLICY + "test_equals_the_float64_definition"),
    Mutation("PPO: the twin forgets the temperature", "rows_torch.py",
             "g, factor = weight * slope[:, None], softmax.factor / temperature",
             "g, factor = weight * slope[:, None], softmax.factor",
             POLICY + "test_equals_the_float64_definition"),
    Mutation("entropy without the target's share", "rows_triton.py",
             "(spread + at_peak) / total", "spread / total",
             FUSED + "test_logprobs_equal_the_float64_definition"),
    Mutation("torch.compile: buffers scaled in place", "forward_gradients.py",
             "return gradient * upstream", "return gradient.mul_(upstream)",
             COMPILED + "test_torch_compile_keeps_one_graph"),
    Mutation("torch.compile: a fake of another shape", "forward_gradients.py",
             "count if need_hidden else 0, hidden.shape[1]", "count, hidden.shape[1]",
             COMPILED + "test_fake_implementations_agree_with_the_real_ones"),
]  # fmt: skip


def main(wanted: list[str]) -> int:
    os.environ["TRITON_INTERPRET"] = "1"
    import triton.experimental.gluon  # noqa: F401  see tests/interpreter.py

    del os.environ["TRITON_INTERPRET"]
    print("| trap | broken in | test that fails |\n|---|---|---|")
    chosen = [m for m in MUTATIONS if not wanted or any(word in m.trap for word in wanted)]
    for each in chosen:
        source = (ROOT / "kernels" / each.file).read_text(encoding="utf-8")
        assert source.count(each.old) == 1, f"{each.trap}: {each.old!r} is not there once"
    survived = 0
    for each in chosen:
        with tempfile.TemporaryDirectory() as folder:
            noticed = breaks(each, Path(folder))
        survived += not noticed
        outcome = f"`{each.test}`" if noticed else f"**none: {each.test} passes**"
        print(f"| {each.trap} | `kernels/{each.file}` | {outcome} |", flush=True)
    return min(survived, 1)


def breaks(mutation: Mutation, folder: Path) -> bool:
    for room in ("kernels", "tests"):
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "kernels" / mutation.file
    source = path.read_text(encoding="utf-8")
    path.write_text(source.replace(mutation.old, mutation.new), encoding="utf-8")
    command = ["-x", "-q", "-p", "no:cacheprovider", f"tests/{mutation.test}"]
    with open(folder / "log", "w+") as log:
        if not (child := os.fork()):
            os.dup2(log.fileno(), 1), os.dup2(log.fileno(), 2)
            os.chdir(folder)
            sys.path.insert(0, str(folder))
            os._exit(pytest.main(command))
        outcome = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        log.seek(0)
        assert outcome in (0, 1, -11), log.read()  # -11: it has read where nothing is
    return outcome != 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
