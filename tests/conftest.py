"""Test settings: hypothesis without deadlines (timing is never asserted), the repository on the
path.

The examples that hypothesis draws are the same in every run, so that a change is what makes a test
fail. `pytest --hypothesis-profile explore` draws new ones.
"""

import importlib
import json
import sys
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
importlib.import_module("tests.interpreter")  # before anything else imports Triton: see there

settings.register_profile("explore", deadline=None, print_blob=True)
settings.register_profile("project", settings.get_profile("explore"), derandomize=True)
settings.load_profile("project")


@pytest.fixture(scope="session")
def words():
    """The words of the tool world's vocabulary, of which the pre-training text is made."""
    from tl.data.tokenizer import load_tokenizer
    from tl.world.pretrain.documents import words_of
    from tl.world.tokenizer import TINY

    tiny = load_tokenizer(TINY)
    return words_of(tiny.decode_segment([token]) for token in range(tiny.vocab_size))


@pytest.fixture(scope="session")
def trajectory_file(tmp_path_factory):
    """120 trajectories of the tool world, as the authors write them."""
    from tl.world.datasets import make_trajectories, to_raw

    path = tmp_path_factory.mktemp("data") / "train.json"
    path.write_text(json.dumps([to_raw(each) for each in make_trajectories("train", 120)]))
    return path


@pytest.fixture(scope="session")
def trajectories(trajectory_file):
    """What is read from it."""
    from tl.data.conversation import read_conversations

    return list(read_conversations(trajectory_file))
