"""The decoder's linear layer: nn.Linear in every respect, whatever multiplies."""

import pytest
import torch
from torch import nn

from kernels.matmul import inner_product, onednn_multiplies
from tl.model import linear
from tl.model.linear import Linear


def pair(bias: bool = True, dtype: torch.dtype = torch.float32) -> tuple[Linear, nn.Linear]:
    ours, plain = Linear(5, 7, bias=bias, dtype=dtype), nn.Linear(5, 7, bias=bias, dtype=dtype)
    ours.load_state_dict(plain.state_dict())
    return ours, plain


def run(layer: nn.Linear, x: torch.Tensor) -> list[torch.Tensor | None]:
    """[y, dx, dW, db] for a fixed upstream gradient."""
    x = x.clone().requires_grad_()
    y = layer(x)
    y.backward(torch.linspace(-1, 2, y.numel()).view_as(y).to(y.dtype))
    return [y.detach(), x.grad, *(p.grad for p in layer.parameters())]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("rows", [0, 1, 9])
def test_equals_the_float64_layer(rows, bias):
    ours, plain = pair(bias)
    x = torch.randn(rows, 5)
    for got, expected in zip(run(ours, x), run(plain.double(), x.double()), strict=True):
        assert got.dtype == torch.float32
        torch.testing.assert_close(got.double(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("wide", "narrow"), [(7, 5), (5, 7), (6, 6)])
@pytest.mark.parametrize("tokens", [9, 40])
def test_an_inner_product_transposes_its_left_operand(wide, narrow, tokens):
    """By either branch: 40 tokens of 7 and 5 are worth a transposed result, 9 are not."""
    a, b = torch.randn(tokens, wide), torch.randn(tokens, narrow)
    expected = torch.einsum("tm,tn->mn", a.double(), b.double())
    torch.testing.assert_close(inner_product(a, b).double(), expected, rtol=1e-5, atol=1e-5)


def test_strided_input_and_upstream():
    ours, plain = pair()
    x = torch.randn(5, 18)[:, ::2].t().requires_grad_()
    for layer in (ours, plain):
        torch.cat([layer(x).t(), layer(x[:, :]).t()])[:, ::3].pow(2).sum().backward()
    torch.testing.assert_close(ours.weight.grad, plain.weight.grad)


def test_gradcheck_in_float64():
    ours, _ = pair(dtype=torch.float64)
    x = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(ours, (x,))


@pytest.mark.parametrize("frozen", ["x", "weight", "bias"])
def test_a_frozen_operand_gets_no_gradient_and_costs_no_product(monkeypatch, frozen):
    products = []

    def counted(multiply):
        return lambda a, b: products.append(1) or multiply(a, b)

    monkeypatch.setattr(linear, "onednn_multiplies", lambda x: True)
    for name in ("product", "inner_product"):
        monkeypatch.setattr(linear, name, counted(getattr(linear, name)))
    ours, _ = pair()
    operands = {"x": torch.randn(3, 5, requires_grad=True), **dict(ours.named_parameters())}
    operands[frozen].requires_grad_(False)
    ours(operands["x"]).sum().backward()
    assert [name for name, tensor in operands.items() if tensor.grad is None] == [frozen]
    assert len(products) == (3 if frozen == "bias" else 2)


def test_float32_on_cpu_alone_takes_the_other_path(monkeypatch):
    calls = []
    apply = linear._OneDnnLinear.apply
    monkeypatch.setattr(
        linear._OneDnnLinear, "apply", lambda *operands: calls.append(1) or apply(*operands)
    )
    x = torch.randn(3, 5)
    for dtype in (torch.float64, torch.bfloat16):
        pair(dtype=dtype)[0](x.to(dtype))
    with torch.autocast("cpu", torch.bfloat16):
        assert pair()[0](x).dtype == torch.bfloat16
    assert not calls
    pair()[0](x)
    assert bool(calls) == onednn_multiplies(x)
