"""Regenerates tests/goldens/bfcl_verdicts.json with BFCL's own checker of syntax trees.

    python -m tests.make_bfcl_goldens CLONE        a clone of ShishirPatil/gorilla at 6ea5797

The verdict of a reply of `tests/perturb_bfcl.py` is a digit, 1 where it is right; or E where the
checker stops with an exception. The checker's own modules run as they are, but for the table of
models and the converters for Java and JavaScript, which need dozens of packages and decide nothing
here. The replies are not stored; their digest tells whether they are the same.
"""

import hashlib
import importlib
import json
import sys
import types
from pathlib import Path

from tests.perturb_bfcl import Reply, replies

GOLDENS = Path(__file__).parent / "goldens" / "bfcl_verdicts.json"
NUMBER, SEED = 10_000, 30
PATH = "berkeley-function-call-leaderboard"
CHECKER = "bfcl_eval.eval_checker.ast_eval.ast_checker"


def digest(made: list[Reply]) -> str:
    return hashlib.sha256(json.dumps(made).encode()).hexdigest()


def load_checker(clone: Path):
    sys.path.insert(0, str(clone / PATH))
    models = types.ModuleType("bfcl_eval.constants.model_config")
    models.MODEL_CONFIG_MAPPING = {}  # looked into for names with a dot alone; ours have none
    sys.modules[models.__name__] = models
    for language in ("java", "js"):
        name = f"bfcl_eval.eval_checker.ast_eval.type_convertor.{language}_type_converter"
        converter = types.ModuleType(name)
        setattr(converter, f"{language}_type_converter", None)
        sys.modules[name] = converter
    return importlib.import_module(CHECKER)


def verdict(module, reply: Reply) -> str:
    python = module.Language.PYTHON
    try:
        found = module.ast_checker(
            reply.functions, reply.calls, reply.answers, python, reply.category, "any"
        )
    except Exception:
        return "E"
    return str(int(found["valid"]))


def main(clone: str) -> None:
    module, made = load_checker(Path(clone)), replies(NUMBER, SEED)
    source = Path(module.__file__).read_bytes()
    sha256 = digest(made)
    record = {
        "checker": {"url": "https://github.com/ShishirPatil/gorilla/blob/6ea57973c7a6097fd7c59156"
                    f"98c54c17c5b1b6c8/{PATH}/{CHECKER.replace('.', '/')}.py",
                    "sha256": hashlib.sha256(source).hexdigest()},
        "number": NUMBER, "seed": SEED, "replies_sha256": sha256,
        "verdicts": "".join(verdict(module, reply) for reply in made),
    }  # fmt: skip
    GOLDENS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
