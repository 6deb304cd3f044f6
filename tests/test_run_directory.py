"""The output directory of a run is its own: no earlier run and no pretrained model in it."""

import argparse

import pytest
import torch

from tl import InputError
from tl.run import directory
from tl.run.parallel import Group

ALONE = Group(0, 1, torch.device("cpu"))


def prepare(output_dir, model="elsewhere", resumed=False, skipped=()) -> None:
    args = argparse.Namespace(output_dir=str(output_dir), model=str(model))
    directory.prepare(args, ALONE, resumed, skipped)


def test_the_directory_of_the_pretrained_model_is_refused(tmp_path):
    model, link = tmp_path / "model", tmp_path / "link"
    model.mkdir()
    (model / "config.json").write_text("{}")
    link.symlink_to(model)
    for output_dir in (model, link, model / ".." / "model"):
        with pytest.raises(InputError, match="--output_dir .* directory of --model, .* overwrite"):
            prepare(output_dir, model)
    assert [file.name for file in model.iterdir()] == ["config.json"]


def test_a_name_that_is_no_model_directory_may_be_the_same(tmp_path):
    prepare(tmp_path / "world", tmp_path / "world")


def test_a_fresh_start_leaves_nothing_of_the_run_before(tmp_path):
    prepare(tmp_path, skipped=["data.json:3: got 1"])
    (tmp_path / "metrics.jsonl").write_text("{}\n")
    assert (tmp_path / "skipped_records.txt").read_text() == "data.json:3: got 1\n"
    prepare(tmp_path, resumed=True)
    assert len(list(tmp_path.iterdir())) == 3
    prepare(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["train_args.json"]
