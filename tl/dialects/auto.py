"""`--dialect auto`: the dialect that a model directory asks for.

    1. the dialect it was trained with here (train_args.json)
    2. its own chat template, if that can write tools, calls and results and they can be read back
    3. the family that its control tokens belong to
    4. codellama: plain text that every model can write
"""

from pathlib import Path

from tl import InputError
from tl.dialects.chat_template import ChatTemplate
from tl.dialects.template_files import read_template_files
from tl.json_file import read_json


def choose(directory: str | Path | None, known: tuple[str, ...]) -> str:
    """The name of the dialect, one of `known`. directory: None where there is no model."""
    if directory is None:
        return "codellama"
    trained = _trained_with(Path(directory))
    if trained in known:
        return trained
    try:
        ChatTemplate(directory).check_tools()
        return "chat_template"
    except InputError:
        pass
    files = read_template_files(directory)
    if "<|start_header_id|>" in files.controls:
        return "llama3"
    if "<|observation|>" in files.controls:
        return "glm4"
    if "<|im_start|>" in files.controls:  # Qwen-2's template knows no tools
        return "qwen_react" if files.default else "hermes"
    return "raven" if "<human_end>" in files.controls else "codellama"


def _trained_with(directory: Path) -> str | None:
    """A checkpoint's flags stand in the run's directory above it."""
    for folder in (directory, directory.parent):
        path = folder / "train_args.json"
        if path.is_file():
            values = read_json(path, advice="name the --dialect")
            dialect = values.get("dialect") if isinstance(values, dict) else None
            return dialect if isinstance(dialect, str) else None
    return None
