"""Regenerates tests/goldens/rotbench_verdicts.json with RoTBench's published scorer.

    python -m tests.make_rotbench_goldens CLONE        a clone of Junjie-Ye/RoTBench at 637e43a

The verdict of a reply is a digit: 0 nothing, 1 TS, 2 TS and PI, 3 all; or E where the script stops
with an exception. Replies to upstream cases are not stored, they are made again from --data by
`tests/perturb_rotbench.py`; their digest tells whether they are the same.
"""

import hashlib
import importlib.util
import json
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from tests import perturb_rotbench

GOLDENS = Path(__file__).parent / "goldens" / "rotbench_verdicts.json"
NUMBER, OWN, SEED = 10_000, 600, 20_241
FILES = [f"{turn}_Turn/{level}" for turn in ("First", "Third")
         for level in ("clean", "slight", "medium", "heavy", "union")]  # fmt: skip


def load_files(data: Path) -> dict[str, list]:
    return {name: json.loads((data / f"{name}.json").read_text("utf-8")) for name in FILES}


def digest(replies) -> str:
    return hashlib.sha256(json.dumps(replies).encode()).hexdigest()


def verdict(script, reply, item) -> str:
    """The published script on one reply, its three metrics one after the other."""
    said = {"result": reply.text, "conversations": [{"value": reply.text}]}
    script.cata_list, script.check_list = [], []
    try:
        with redirect_stdout(StringIO()):
            for evaluate in (script.ts_eval, script.pi_eval, script.cf_eval):
                evaluate([said], [item], reply.version)
    except Exception:
        return "E"
    levels = [counts[0] for counts in script.check_list]
    assert levels == sorted(levels, reverse=True), "TS >= PI >= CF"
    return str(sum(levels))


def main(clone: str) -> None:
    path = Path(clone) / "Code" / "Evaluation" / "evaluate.py"
    spec = importlib.util.spec_from_file_location("rotbench_evaluate", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    files = load_files(Path(clone) / "Data")
    replies = perturb_rotbench.replies(files, NUMBER, SEED)
    own = perturb_rotbench.replies({"own": perturb_rotbench.ITEMS}, OWN, SEED)
    own_rows = [[r.index, r.version, r.text, verdict(script, r, perturb_rotbench.ITEMS[r.index])]
                for r in own]  # fmt: skip
    record = {
        "script": {"url": "https://github.com/Junjie-Ye/RoTBench/blob/637e43a/Code/Evaluation/"
                   "evaluate.py", "sha256": hashlib.sha256(path.read_bytes()).hexdigest()},
        "upstream": {
            "number": NUMBER, "seed": SEED, "replies_sha256": digest(replies),
            "verdicts": "".join(verdict(script, r, files[r.file][r.index]) for r in replies),
        },
    }  # fmt: skip
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in own_rows)
    text = json.dumps(record, indent=1)[:-2] + f',\n "own": [\n{rows}\n ]\n}}\n'
    GOLDENS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
