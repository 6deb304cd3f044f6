"""What a training file holds: how many of its trajectories and calls are erroneous, and how.

    python -m tl.data --analyze raw_data.json
    python -m tl.data --analyze raw_data.json --examples 5 --on_bad_record skip

Takes every format that training takes. See `tl/data/analysis.py` for what counts.
"""

import unicodedata

from tqdm import tqdm

from tl import InputError
from tl.data.analysis import Analysis, Finding, Kind, analyze
from tl.data.conversation import read_conversations
from tl.run import cli
from tl.run.report import run

WIDTH = 160  # characters of a call or a feedback
TITLES = {
    "feedback": "errors reported by feedback, % of calls with it",
    "documentation": "forbidden by the documentation, % of all calls",
}
NOT_REPORTED = "of them, not reported by feedback"


def main(argv: list[str] | None = None) -> int:
    parser = cli.new_parser(__doc__, "tl.data")
    parser.add_argument("--analyze", metavar="FILE", required=True, help="trajectories, as for SFT")
    parser.add_argument("--examples", type=cli.non_negative_int, default=2, metavar="N",
                        help="erroneous calls shown of each kind")  # fmt: skip
    parser.add_argument("--on_bad_record", choices=("error", "skip"), default="error",
                        help="skip: leave it out and count it")  # fmt: skip
    args = cli.parse_args(parser, argv)
    skipped: list[str] = []
    skip = (lambda error: skipped.append(str(error))) if args.on_bad_record == "skip" else None
    read = tqdm(read_conversations(args.analyze, skip), unit="record", disable=None)
    found = analyze(read, args.examples)
    if not found.trajectories:
        raise InputError(f"{args.analyze}: no record could be used, {len(skipped):,} were skipped, "
                         f"the first: {skipped[0]}")  # fmt: skip
    print(render(args.analyze, found))
    if skipped:
        print(f"\nleft out, not usable: {len(skipped):,} records, the first: {skipped[0]}")
    return 0


def render(path: str, found: Analysis) -> str:
    """The whole account, in lines for a terminal."""
    wrong = found.erroneous
    lines = [
        f"{path}: {found.trajectories:,} trajectories, {found.calls:,} calls, {found.answered:,} "
        "of them with feedback",
        f"erroneous trajectories {share(wrong.trajectories, found.trajectories)}, "
        f"erroneous calls {share(wrong.calls, found.answered)} of those with feedback (MAE masks "
        "them)",
    ]
    for group, title in TITLES.items():
        kinds, of = getattr(found, group), (found.answered, found.trajectories)
        if group == "documentation":
            kinds = {**kinds, "together": found.forbidden, NOT_REPORTED: found.silent}
            of = (found.calls, found.trajectories)
        named = {name.replace("_", " "): kind for name, kind in kinds.items()}
        lines += ["", f"{title:<50}{'calls':>18}{'trajectories':>20}"]
        lines += [_row(name, kind, of) for name, kind in named.items()]
        shown = named if group == "feedback" else {NOT_REPORTED: found.silent}
        for name, kind in shown.items():
            lines += _examples(name, kind)
    return "\n".join(lines)


def share(count: int, of: int) -> str:
    """ "123 (4.56 %)" """
    return f"{count:,} ({100 * count / of:.2f} %)" if of else "0"


def _row(name: str, kind: Kind, of: tuple[int, int]) -> str:
    calls, whole = share(kind.calls, of[0]), share(kind.trajectories, of[1])
    return f"  {name:<48}{calls:>18}{whole:>20}"


def _examples(name: str, kind: Kind) -> list[str]:
    return [line for each in kind.examples for line in _shown(name, each)]


def _shown(name: str, finding: Finding) -> list[str]:
    lines = [f"    {name}, {_plain(finding.place)}", f"      {_plain(finding.call)}"]
    return lines + ([f"      -> {_plain(finding.feedback)}"] if finding.feedback else [])


def _plain(text: str) -> str:
    """One line, short; what would steer the terminal becomes a box."""
    text = "".join("␦" if unicodedata.category(c) in ("Cc", "Cf") else c
                   for c in " ".join(text.split()))  # fmt: skip
    return text if len(text) <= WIDTH else text[:WIDTH] + " ..."


if __name__ == "__main__":
    run(main)
