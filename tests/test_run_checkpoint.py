"""Checkpoints: damaged in any byte, pruned, replaced, on a full disk, resumed on other numbers of
processes.
"""

import json
import os
import random
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import SafetensorError

from tests import tiny_run
from tests.processes import run_ranks
from tests.tiny_run import Recipe, train
from tl import InputError
from tl.run import checkpoint, manifest, parallel
from tl.run.optim import adamw

ALONE = parallel.Group(0, 1, torch.device("cpu"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A run directory with checkpoint-1, -2, -3 of one process. Copy before changing it."""
    directory = tmp_path_factory.mktemp("finished") / "run"
    run_ranks(1, train, Recipe(steps=3, save_steps=1, keep=9, output_dir=str(directory)))
    return directory


@pytest.fixture
def run_directory(finished, tmp_path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))


def load(choice, directory) -> checkpoint.Checkpoint | None:
    return checkpoint.load(str(choice), directory, ALONE)


def test_layout(finished):
    assert (finished / "latest").read_text() == "checkpoint-3\n"
    files = {p.relative_to(finished).as_posix() for p in finished.rglob("*") if p.is_file()}
    state = "checkpoint-3/trainer_state"
    assert {
        "checkpoint-3/model.safetensors",
        "checkpoint-3/manifest.json",
        f"{state}/optimizer-000-00000-of-00001.safetensors",
        f"{state}/rng-00000-of-00001.safetensors",
        f"{state}/state.json",
    } <= files
    found = load("latest", finished)
    assert (found.step, found.directory.name) == (3, "checkpoint-3")
    assert found.values == {"guard": {"skipped": 0, "in_a_row": 0}}


def test_one_changed_byte_anywhere_is_found(run_directory):
    directory = run_directory / "checkpoint-3"
    files = [path for path in directory.rglob("*") if path.is_file()]
    assert len(files) == 5
    generator = random.Random(0)
    for path in files:
        content = path.read_bytes()
        positions = generator.choices(range(len(content)), k=8) + [0, len(content) - 1]
        if path.name == manifest.MANIFEST:
            positions = range(len(content))
        for position in positions:
            changed = bytearray(content)
            changed[position] ^= 1 << generator.randrange(8)
            path.write_bytes(changed)
            with pytest.raises(InputError) as caught:
                load(directory, run_directory)
            if path.name != manifest.MANIFEST:
                assert str(caught.value).startswith(f"{path}: damaged")
        path.write_bytes(content)
    load(directory, run_directory)


@pytest.mark.parametrize("harm", ["shorter", "longer", "absent"])
def test_files_cut_off_or_missing(run_directory, harm):
    path = run_directory / "checkpoint-3" / "model.safetensors"
    content = path.read_bytes()
    if harm == "absent":
        path.unlink()
    else:
        path.write_bytes(content[:-1] if harm == "shorter" else content + b"x")
    with pytest.raises(InputError, match=f"{path}: (damaged: .* bytes|missing)"):
        load(path.parent, run_directory)


def test_latest_falls_back_with_a_warning_an_explicit_path_does_not(run_directory, capsys):
    for name in ("checkpoint-3", "checkpoint-2"):
        (run_directory / name / "model.safetensors").write_bytes(b"")
    assert load("latest", run_directory).step == 1
    warnings = capsys.readouterr().err.splitlines()
    assert len(warnings) == 2 and all(line.startswith("warning: ") for line in warnings)
    with pytest.raises(InputError, match="checkpoint-3/model.safetensors: damaged"):
        load(run_directory / "checkpoint-3", run_directory)
    (run_directory / "checkpoint-1" / "manifest.json").write_text("{}")
    with pytest.raises(InputError, match="every checkpoint in .* is damaged; .*delete them or"):
        load("latest", run_directory)


def test_nothing_to_resume_from(tmp_path):
    assert checkpoint.load(None, tmp_path, ALONE) is None
    assert load("latest", tmp_path / "absent") is None
    with pytest.raises(InputError, match="is no checkpoint"):
        load(tmp_path / "absent", tmp_path)


def test_the_run_directory_in_place_of_a_checkpoint_gets_a_hint(finished):
    with pytest.raises(InputError, match="did you mean .*checkpoint-3"):
        load(finished, finished)


def saved(directory, step: int, keep: int = 9, values: dict | None = None) -> Path:
    model = torch.nn.Linear(2, 2)

    def write_model(staging: Path) -> None:
        (staging / "model.txt").write_text(f"weights of step {step}")

    return checkpoint.save(
        directory, step, group=ALONE, model=model, optimizer=adamw(model, 0.1),
        write_model=write_model, values=values or {}, keep=keep,
    )  # fmt: skip


def names(directory) -> list[str]:
    return sorted(p.name for p in Path(directory).iterdir() if p.is_dir())


def test_pruning_keeps_the_newest_written(tmp_path):
    for step in (10, 20, 30):
        saved(tmp_path, step)
    saved(tmp_path, 15, keep=2)  # resumed from 10: 15 is the newest, 30 the one before
    assert names(tmp_path) == ["checkpoint-15", "checkpoint-30"]
    assert load("latest", tmp_path).step == 15
    saved(tmp_path, 20, keep=2)
    assert names(tmp_path) == ["checkpoint-15", "checkpoint-20"]


def test_pruning_touches_only_checkpoints_of_ours(tmp_path):
    (tmp_path / "checkpoint-1").mkdir()  # another program's
    (tmp_path / "checkpoint-best").mkdir()
    saved(tmp_path, 2)
    saved(tmp_path, 3, keep=1)
    assert names(tmp_path) == ["checkpoint-1", "checkpoint-3", "checkpoint-best"]


def test_a_damaged_checkpoint_is_pruned_before_a_good_one(tmp_path):
    for step in (1, 2):
        saved(tmp_path, step)
    (tmp_path / "checkpoint-2" / "manifest.json").write_text("{}")
    saved(tmp_path, 3, keep=2)
    assert names(tmp_path) == ["checkpoint-1", "checkpoint-3"]


def test_the_same_step_again_replaces(tmp_path):
    saved(tmp_path, 5, values={"try": 1})
    saved(tmp_path, 5, values={"try": 2})
    assert names(tmp_path) == ["checkpoint-5"]
    assert load("latest", tmp_path).values == {"try": 2}


def test_killed_while_a_checkpoint_is_being_replaced(tmp_path):
    path = saved(tmp_path, 5, values={"try": 1})
    path.rename(tmp_path / checkpoint._hidden_name(path.name, "old"))  # between the two renames
    assert load("latest", tmp_path).values == {"try": 1}
    assert names(tmp_path) == ["checkpoint-5"]


def test_directories_of_dead_runs_are_removed_others_stay(tmp_path):
    dead = subprocess.Popen(["true"])
    dead.wait()
    host = os.uname().nodename
    stale = tmp_path / f".checkpoint-7.tmp-{host}-{dead.pid}-00ff"
    living = tmp_path / f".checkpoint-7.tmp-{host}-{os.getppid()}-00ff"
    elsewhere = tmp_path / ".checkpoint-7.tmp-another-host-1-00ff"
    forgotten = tmp_path / ".checkpoint-8.tmp-another-host-1-00ff"
    for directory in (stale, living, elsewhere, forgotten):
        (directory / "trainer_state").mkdir(parents=True)
    os.utime(forgotten, (0, 0))
    saved(tmp_path, 1)
    assert names(tmp_path) == sorted(["checkpoint-1", living.name, elsewhere.name])


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), SafetensorError("No space left on device")]
)
def test_a_full_disk_leaves_the_earlier_checkpoint_and_nothing_else(tmp_path, error):
    saved(tmp_path, 1)
    model = torch.nn.Linear(2, 2)

    def write_model(staging: Path) -> None:
        (staging / "model.txt").write_text("half")
        raise error

    with pytest.raises(type(error), match="No space left"):
        checkpoint.save(
            tmp_path, 2, group=ALONE, model=model, optimizer=adamw(model, 0.1),
            write_model=write_model, values={}, keep=1,
        )  # fmt: skip
    assert names(tmp_path) == ["checkpoint-1"]
    assert load("latest", tmp_path).step == 1


def save_with_a_full_disk(directory: str, mode: str, bad_rank: int) -> str:
    group = parallel.start("cpu")
    model = tiny_run.build(Recipe(parallel=mode), group)
    optimizer = adamw(model, 0.1)

    def write_model(staging: Path) -> None:
        gather = tiny_run.shard.gather(group)
        for number, parameter in enumerate(model.parameters()):
            gather(parameter)
            if group.rank == bad_rank and number == 2:
                raise OSError(28, "No space left on device")

    try:
        checkpoint.save(
            directory, 1, group=group, model=model, optimizer=optimizer,
            write_model=write_model, values={}, keep=1,
        )  # fmt: skip
    except Exception as error:
        return type(error).__name__
    finally:
        group.close()
    return "saved"


@pytest.mark.parametrize("bad_rank", [0, 1])
def test_a_full_disk_on_one_rank_does_not_hang_the_other(tmp_path, bad_rank):
    expected = ["PeerFailed", "PeerFailed"]
    expected[bad_rank] = "OSError"
    assert run_ranks(2, save_with_a_full_disk, str(tmp_path), "fsdp", bad_rank) == expected
    assert list(tmp_path.iterdir()) == []


def test_values_that_are_not_json_are_a_programming_error(tmp_path):
    with pytest.raises(TypeError):
        saved(tmp_path, 1, values={"tensor": torch.ones(1)})
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "before, after",
    [
        (("fsdp", 2), ("fsdp", 1)),
        (("fsdp", 1), ("fsdp", 3)),
        (("fsdp", 3), ("replicate", 1)),
        (("replicate", 2), ("fsdp", 2)),
        (("replicate", 2), ("replicate", 1)),
    ],
)
def test_resume_on_another_number_of_processes(before, after, tmp_path):
    recipe = Recipe(steps=4, save_steps=2, output_dir=str(tmp_path), keep=9)
    straight = run_ranks(before[1], train, recipe._replace(parallel=before[0]))[0]
    moved = recipe._replace(parallel=after[0], resume=str(tmp_path / "checkpoint-2"))
    resumed = run_ranks(after[1], train, moved)[0]
    assert resumed["start"] == 2
    for name, value in straight["parameters"].items():
        assert np.abs(value - resumed["parameters"][name]).max() <= 1e-6


def test_state_is_plain_json(finished):
    state = json.loads((finished / "checkpoint-2/trainer_state/state.json").read_text())
    assert state["step"] == 2 and state["world_size"] == 1
