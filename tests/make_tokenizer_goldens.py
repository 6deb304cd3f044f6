"""Writes tests/goldens/tokenizer_*.json: the ids of our own texts, from the reference libraries.

    python -m tests.make_tokenizer_goldens SHARED_TOKENIZERS

needs transformers (oracle for Qwen2) and sentencepiece (oracle for Llama 2); the tests need neither
of them. SHARED_TOKENIZERS has the folders `llama2` and `qwen2`.
"""

import json
import sys
from pathlib import Path

GOLDENS = Path(__file__).resolve().parent / "goldens"

TEXTS = {
    "empty": "",
    "tool document": (
        "Function:\ndef search_flights(origin: string, destination: string, seats: int = None):\n"
        '    """\n    Find flights between two cities.\n\n    Args:\n'
        '    origin (string): Where it starts.\n    seats (int): How many.\n    """'
    ),
    "call": 'search_flights(origin="São Paulo", destination=\'Oslo\', seats=2, price=-1.5e3)',
    "dialogue": "User: When does it leave?\nAssistant: get_time(flight='AB 123')\nOutput: 17:45\n",
    "code": "def f(x):\n\treturn {k: v for k, v in x.items() if k != 'id'}  # 2**10 == 1024\r\n",
    "markdown": "# One\n## Two\n#### Four #tag ########\n```python\n",
    "chinese": "请问明天北京的天气怎么样？",
    "japanese and korean": "東京タワーへ行きたい。서울은 지금 몇 시입니까?",
    "emoji": "👩‍👩‍👧‍👦 🇧🇷🇳🇴 👍🏽 ok 🎉🎉",
    "right to left": "שלום עולם, مرحبا بالعالم 12:30",
    "combining marks": "cafe\u0301 and caf\u00e9, \u1e9b\u0323, n\u0303",
    "runs of spaces": "a  b   c    d     e        f                g",
    "leading and trailing spaces": "   both sides  ",
    "one space": " ",
    "many spaces": " " * 33,
    "tabs and newlines": "\t\tx\n\n\ny\r\n \n z\t \n",
    "control tokens in content": (
        "</s> <s>[INST] <unk><|im_end|> <|im_start|>user<|endoftext|><|eot_id|> <0x0A>"
    ),
    "control characters": "a\x00b\x07\x1b[31mred\x1b[0m\x7f\u200b\ufeff",
    "numbers": "3.14159 1,000,000 0x1F -7 1e-7 ١٢٣ ½ ²",
    "apostrophes": "it's we'll I'D they'RE 'tis\n'System",
    "identifiers": "getUserById get_user_by_id preferred-routes_get HTTPServer2 __init__",
    "json": '{"a": [1, 2.5, null, true], "b": {"c": "d\\n\\"e\\""}}',
    "lower one eighth block": "▁a ▁ b▁",
    "rare scripts": "𐍈 ꙮ ᚠᚢᚦ 𝔘𝔫𝔦 \U0010ffff",
    "long": "The tool answered: {'temperature': 21.5}. " * 12 + "x" * 120,
}


def sentencepiece_ids(directory: Path) -> dict[str, list[int]]:
    import sentencepiece

    model = sentencepiece.SentencePieceProcessor(model_file=str(directory / "tokenizer.model"))
    return {name: model.encode(text) for name, text in TEXTS.items()}


def transformers_ids(directory: Path) -> dict[str, list[int]]:
    """`split_special_tokens`: text that looks like a control token stays text."""
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(directory, split_special_tokens=True)
    return {
        name: tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        for name, text in TEXTS.items()
    }


def write(name: str, ids: dict[str, list[int]]) -> None:
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in ids.items()]
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    (GOLDENS / f"tokenizer_{name}.json").write_text(text, encoding="utf-8")


def main(tokenizers: Path) -> None:
    GOLDENS.mkdir(exist_ok=True)
    write("llama2", sentencepiece_ids(tokenizers / "llama2"))
    write("qwen2", transformers_ids(tokenizers / "qwen2"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
