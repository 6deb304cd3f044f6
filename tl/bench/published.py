"""The numbers that the paper prints, to stand beside measured ones.

Source: TL-Training (Ye et al., EMNLP 2025 Findings, arXiv:2412.15495), Tables 1, 3, 4 and 5, copied
cell by cell. Shares are in percent of the cases: ToolAlpaca 114, RoTBench (clean) 105, BFCL-v3 240
(Table 2 says 239, but every cell is k / 240), ToolEyes 382 for VA. DE and CE are of calls, whose
number the paper does not give. Cells that no number of cases can give are listed in `IMPOSSIBLE`.
"""

from collections.abc import Iterator
from typing import NamedTuple

SOURCE = "arXiv:2412.15495"
CASES = {"toolalpaca": 114, "rotbench": 105, "bfcl": 240, "tooleyes": 382}
SINGLE = tuple((name, metric) for name in list(CASES)[:3] for metric in ("ts", "pi", "cf"))
MULTI = tuple(("tooleyes", metric) for metric in ("de", "ce", "va"))
ABLATION_COLUMNS = SINGLE[:6] + MULTI
AVERAGE = "Avg."

# fmt: off
TABLE_3 = {  # columns SINGLE
    AVERAGE:                (80.63, 65.09, 42.72, 74.10, 49.90, 35.43, 93.13, 89.88, 74.17),
    "ToolLLaMA-2":          (75.56, 61.40, 37.72, 70.48, 43.81, 25.71, 87.08, 83.75, 56.67),
    "NexusRaven-2":         (82.46, 48.25, 37.72, 70.48, 56.19, 37.14, 97.08, 94.17, 75.83),
    "ChatGLM-4-chat":       (73.68, 68.42, 38.60, 67.62, 53.33, 37.14, 95.42, 93.33, 86.67),
    "Qwen-2-Instruct":      (86.84, 68.42, 43.86, 74.29, 47.62, 35.24, 98.33, 95.42, 85.00),
    "LLaMA-3.1-Instruct":   (84.21, 59.65, 42.98, 62.86, 17.14,  8.57, 63.75, 59.58, 34.58),
    "Qwen-2.5-Instruct":    (92.11, 68.42, 44.74, 80.00, 32.38, 15.24, 100.0, 95.42, 87.92),
    "GPT-3.5-turbo":        (72.81, 54.39, 39.47, 74.29, 61.90, 48.57, 99.17, 95.83, 75.83),
    "GPT-4o":               (76.32, 70.18, 42.11, 74.29, 62.86, 50.48, 96.67, 93.75, 74.58),
    "GPT-4-turbo":          (74.56, 73.68, 42.11, 82.86, 69.52, 53.33, 97.50, 93.75, 76.25),
    "TL-CodeLLaMA-2":       (87.72, 78.07, 57.89, 83.81, 54.29, 42.86, 96.25, 93.75, 88.33),
}
TABLE_4 = {  # columns MULTI
    AVERAGE:                (3.91, 12.46, 65.56),
    "ToolLLaMA-2":          (21.00, 36.62, 52.36),
    "ChatGLM-4-chat":       (0.17, 32.45, 43.45),
    "Qwen-2-Instruct":      (0.78, 6.71, 70.16),
    "LLaMA-3.1-Instruct":   (4.80, 3.76, 4.71),
    "Qwen-2.5-Instruct":    (4.78, 4.60, 74.08),
    "GPT-3.5-turbo":        (2.36, 10.73, 89.79),
    "GPT-4o":               (0.12, 4.64, 87.43),
    "GPT-4-turbo":          (0.34, 7.83, 90.31),
    "TL-CodeLLaMA-2":       (0.82, 4.84, 77.75),
}
TABLE_5 = {  # columns ABLATION_COLUMNS
    "Standard SFT":         (74.56, 70.18, 42.98, 76.19, 55.24, 38.10, 0.72, 9.08, 59.32),
    "w/ MAE":               (73.68, 64.91, 43.68, 78.10, 57.14, 40.95, 1.22, 5.53, 68.85),
    "w/ PKT":               (77.78, 71.72, 43.86, 82.86, 63.81, 48.57, 1.07, 7.52, 63.61),
    "w/ IRM":               (88.60, 84.21, 57.02, 79.05, 59.05, 44.76, 0.65, 6.80, 57.33),
    "w/ MAE & PKT":         (73.68, 64.91, 43.86, 80.95, 56.19, 40.00, 0.71, 10.07, 75.13),
    "w/ MAE & IRM":         (87.72, 78.95, 57.89, 82.86, 56.19, 45.71, 0.96, 5.03, 71.20),
    "w/ PKT & IRM":         (86.84, 79.82, 57.02, 82.86, 63.81, 48.57, 0.88, 7.11, 65.18),
    "w/ All":               (87.72, 78.07, 57.89, 83.81, 54.29, 42.86, 0.82, 4.84, 77.75),
}
TABLE_1 = {  # (ToolLLaMA-2-7B-v2, NexusRaven-13B-v2), shares of the failures of an aspect
    ("tool", "first"): (53.33, 65.22), ("tool", "prefix"): (46.67, 34.78),
    ("parameter", "redundancy"): (46.43, 33.33), ("parameter", "missing"): (57.14, 66.67),
    ("parameter", "hallucination"): (17.86, 6.67),
    ("content", "synonyms"): (73.68, 95.00), ("content", "others"): (31.58, 5.00),
}
# fmt: on
TABLES = {3: (SINGLE, TABLE_3), 4: (MULTI, TABLE_4), 5: (ABLATION_COLUMNS, TABLE_5)}


class Cell(NamedTuple):
    """One printed number."""

    table: int
    model: str
    benchmark: str
    metric: str
    value: float


IMPOSSIBLE = (
    Cell(3, "ToolLLaMA-2", "toolalpaca", "ts", 75.56),
    Cell(4, "ChatGLM-4-chat", "tooleyes", "va", 43.45),
    Cell(5, "Standard SFT", "tooleyes", "va", 59.32),
    Cell(5, "w/ MAE", "toolalpaca", "cf", 43.68),
    Cell(5, "w/ PKT", "toolalpaca", "ts", 77.78),
    Cell(5, "w/ PKT", "toolalpaca", "pi", 71.72),
)


def cells() -> Iterator[Cell]:
    """All numbers of Tables 3 to 5, row by row."""
    for number, (columns, table) in TABLES.items():
        for model, values in table.items():
            for (benchmark, metric), value in zip(columns, values, strict=True):
                yield Cell(number, model, benchmark, metric, value)


def is_share(value: float, n: int) -> bool:
    """Whether 100 k / n, rounded to two decimals, gives the value for some whole k."""
    return round(100 * round(value * n / 100) / n, 2) == value
