"""Where the large test material lies: `shared/` beside the checkout. The product never needs it."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def shared(path: str) -> Path:
    """The path of a file or folder in `../shared`; skips the calling test where it is absent."""
    found = SHARED / path
    if not found.exists():
        pytest.skip(
            f"{found} is absent: this test reads real files that the repository does not carry"
        )
    return found
