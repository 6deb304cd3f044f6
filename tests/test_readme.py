"""What the README says is true of the repository: commands parse, paths exist, names are known."""

import re
import shlex
import subprocess

import pytest

import eval as evaluation
import train_ppo
import train_sft
from tests.micro import ROOT
from tl.agent import __main__ as chat
from tl.world import __main__ as world

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line for block in re.findall(r"```\n(.*?)```", README, re.S) for line in block.split("\n")
]


def test_the_first_command_installs_and_runs_the_main_job():
    assert COMMANDS[0].endswith(
        "pip install -q -r requirements.txt && .venv/bin/torchrun train_sft.py"
    )


def test_ci_runs_the_test_command():
    printed = subprocess.run(
        ["bash", "-c", "eval() { :; }; source .ci/run"], cwd=ROOT, capture_output=True, text=True
    )
    section = README.split("## Run the tests")[1]
    assert printed.stdout.strip() == "+ " + re.search(r"```\n(.*?)\n```", section, re.S)[1]


@pytest.mark.parametrize("command", [c for c in COMMANDS if re.search(r"train_\w+\.py", c)])
def test_every_command_parses(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out" / "sft").mkdir(parents=True)
    name, flags = re.search(r"(train_\w+)\.py(.*)", command).groups()
    script = {"train_sft": train_sft, "train_ppo": train_ppo}[name]
    assert script.parse(shlex.split(flags)).data


@pytest.mark.parametrize("command", [c for c in COMMANDS if re.search(r"eval\.py|tl\.agent", c)])
def test_every_command_that_asks_a_model_parses(command):
    name, flags = re.search(r"python (eval\.py|-m tl\.agent) (.*)", command).groups()
    script = {"eval.py": evaluation, "-m tl.agent": chat}[name]
    assert script.build_parser().parse_args(shlex.split(flags)).model


def test_every_flag_is_one_of_a_command():
    scripts = (train_sft, train_ppo, evaluation, chat, world)
    known = {flag for each in scripts for flag in each.build_parser()._option_string_actions}
    known |= {"--nproc_per_node", "--shutdown_timeout", "--analyze"}  # torchrun's, tl.data's
    named = set(re.findall(r"--\w+", README))
    assert len(named) > 40 and not named - known, sorted(named - known)


def test_every_flag_exists_and_has_the_default_that_is_named():
    section = README.split("## PPO on tool calls")[1].split("\n## ")[0]
    defaults = vars(train_ppo.build_parser().parse_args([]))
    named = re.findall(r"`--(\w+)`(?: ([\w.-]+))?", section)
    assert len(named) > 15
    for flag, value in named:
        assert flag in defaults, flag
        if re.fullmatch(r"[\d.]+(e-\d+)?", value):
            assert float(value) == defaults[flag], flag


def test_every_path_exists():
    named = re.findall(r"`((?:tl|kernels|tests)/[\w/.]*|\w+\.py)`", README)
    missing = [name for name in named if not (ROOT / name).exists()]
    assert len(named) > 15 and not missing, missing


def test_every_metric_is_in_the_glossary():
    source = (ROOT / "train_sft.py").read_text() + (ROOT / "tl/run/throughput.py").read_text()
    logged = set(
        re.findall(r"\b(eval_\w*loss|\w+_per_second|grad_norm|skipped_steps|memory_gib)\b", source)
    )
    glossary = README.split("## Metrics")[1].split("## Speed")[0]
    assert len(logged) >= 7 and all(f"`{name}`" in glossary for name in logged), logged


def test_every_metric_of_ppo_is_in_the_glossary(tmp_path):
    sources = [ROOT / name for name in ("train_ppo.py", "tl/rl/metrics.py", "tl/rl/ppo.py")]
    text = "".join(path.read_text() for path in sources)
    logged = set(re.findall(r'"((?:objective|rollout|critic|loss|policy|val)/\w+)"', text))
    logged |= {f"eval/SET/{name}" for name in re.findall(r"eval/\{name\}/(\w+)", text)}
    logged |= {f"seconds/{name}" for name in re.findall(r'clock\.mark\("(\w+)"\)', text)}
    glossary = README.split("`metrics.jsonl` of PPO")[1].split("## Speed")[0]
    missing = [name for name in sorted(logged) if f"`{name}`" not in glossary]
    assert len(logged) >= 28 and not missing, missing
    documented = set(re.findall(r"`((?:objective|rollout|critic|loss|policy|val)/\w+)`", glossary))
    assert documented <= logged, documented - logged
