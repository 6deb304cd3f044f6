"""The house rules, executed: imports go down only, budgets hold, nothing executes or unpickles what
it reads.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOP_LEVEL = {
    "tl",
    "kernels",
    "train_sft.py",
    "train_ppo.py",
    "eval.py",
    "tests",
    "requirements.txt",
    "README.md",
}

# What each room may import besides the standard library, itself and `tl.InputError`.
TORCH = {"torch", "safetensors", "numpy"}
ALLOWED = {
    "tl.json_file": set(),
    "tl.durable_file": set(),
    "kernels": {"torch", "triton"},
    "tl.calls": set(),
    "tl.world": {"tl.json_file", "tl.calls"},
    "tl.dialects": {"tl.json_file", "tl.calls", "jinja2"},
    "tl.data": {
        "tl.json_file",
        "tl.calls",
        "tl.dialects",
        "tokenizers",
        "sentencepiece",
        *TORCH,
    },
    "tl.model": {"tl.json_file", "tl.durable_file", "kernels", *TORCH},
    "tl.generate": {"tl.model", "torch"},
    "tl.run": {"tl.durable_file", "tqdm", *TORCH},
    "tl.agent": {
        "tl.calls",
        "tl.dialects",
        "tl.world",
        "tl.data",
        "tl.model",
        "tl.generate",
        "tl.rl",
        "tl.run",
        *TORCH,
    },
    "tl.bench": {"tl.calls", "tl.dialects"},
    "tl.answers": {
        "tl.agent",
        "tl.bench",
        "tl.calls",
        "tl.data",
        "tl.dialects",
        "tl.durable_file",
        "tl.generate",
        "tl.model",
        "tl.run",
        "torch",
        "tqdm",
    },
    "tl.rl": {"kernels", "tl.calls", "torch"},
}
# Modules that are runnable tools of their room, or join two, and need a library for that one job.
EXCEPTIONS = {
    "tl/bench/tool_world.py": {"tl.world"},
    "tl/data/__main__.py": {"tl.run", "tqdm"},
    "tl/world/tokenizer.py": {"tokenizers"},
    "tl/world/pretrain/__main__.py": {"kernels", "tl.data", "tl.model", "tl.run", "torch"},
}


def product_files() -> list[Path]:
    files = [*ROOT.glob("*.py"), *(ROOT / "tl").rglob("*.py"), *(ROOT / "kernels").rglob("*.py")]
    return sorted(files)


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def is_script(path: Path) -> bool:
    """One visible loop that reads from top to bottom: at the top level, or run with -m."""
    return "/" not in relative(path) or path.name == "__main__.py"


def room(module: str) -> str:
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "tl" else parts[0]


def imported_rooms(path: Path) -> set[str]:
    """Rooms and third-party packages that a file imports, at any depth of its code."""
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            rooms |= {room(name.name) for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{relative(path)}:{node.lineno}: relative import"
            if node.module == "tl":
                rooms |= {f"tl.{name.name}" for name in node.names if name.name != "InputError"}
            else:
                rooms.add(room(node.module))
    return rooms


def is_standard(name: str) -> bool:
    import sys

    return name in sys.stdlib_module_names


@pytest.mark.parametrize("path", product_files(), ids=relative)
def test_imports_go_down_only(path):
    name = relative(path)
    if "/" not in name or name == "tl/__init__.py":
        return
    here = room(name.removesuffix(".py").replace("/", "."))
    foreign = {r for r in imported_rooms(path) if not is_standard(r) and r != here}
    extra = foreign - ALLOWED[here] - EXCEPTIONS.get(name, set())
    assert not extra, f"{name} ({here}) imports {sorted(extra)}"


@pytest.mark.parametrize("path", product_files(), ids=relative)
def test_distributed_lives_in_one_room(path):
    name = relative(path)
    if not name.startswith("tl/run/"):
        assert "torch.distributed" not in path.read_text(encoding="utf-8"), name


@pytest.mark.parametrize("path", product_files(), ids=relative)
def test_nothing_read_is_executed(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        where = f"{relative(path)}:{node.lineno}"
        called = ast.unparse(node.func)
        assert called not in {"eval", "exec", "compile", "pickle.load", "pickle.loads"}, where
        if called == "torch.load":
            keywords = {k.arg: ast.unparse(k.value) for k in node.keywords}
            assert keywords.get("weights_only") == "True", (
                f"{where}: torch.load without weights_only"
            )


@pytest.mark.parametrize("path", product_files(), ids=relative)
def test_budgets(path):
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    assert len(lines) <= 400, f"{relative(path)} has {len(lines)} lines"
    wide = [number for number, line in enumerate(lines, 1) if len(line) > 100]
    assert not wide, f"{relative(path)} is wider than 100 columns at lines {wide}"
    tree = ast.parse(text)
    if text.strip():
        assert ast.get_docstring(tree) or path.name == "__init__.py", (
            f"{relative(path)} has no docstring"
        )
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and not is_script(path):
            length = node.end_lineno - node.lineno + 1
            assert length <= 60, f"{relative(path)}:{node.lineno} {node.name} has {length} lines"


def test_top_level_is_fixed():
    visible = {p.name for p in ROOT.iterdir() if not p.name.startswith(".")} - {
        "out",
        "__pycache__",
    }
    assert visible <= TOP_LEVEL, sorted(visible - TOP_LEVEL)


def test_no_vague_names():
    vague = [
        relative(p) for p in product_files() if p.stem in {"utils", "common", "helpers", "misc"}
    ]
    assert not vague, vague
