"""Test settings: one hypothesis profile without deadlines (timing is never asserted), the
repository on the path.
"""

import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

settings.register_profile("project", deadline=None, print_blob=True)
settings.load_profile("project")
