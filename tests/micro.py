"""A model directory and a data file so small that a whole training run takes a second."""

import json
import shutil
from pathlib import Path

from tl.data.tokenizer import load_tokenizer
from tl.model.config import ModelConfig
from tl.model.hf import init_model, save_model
from tl.world.datasets import make_trajectories, to_raw

ROOT = Path(__file__).resolve().parents[1]
WORLD_MODEL = ROOT / "tl" / "world" / "tiny"
CONFIG = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 4096,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "initializer_range": 0.1,
    "tie_word_embeddings": False,
}


def write_model(directory: Path, **changes) -> Path:
    """A Hugging Face directory with random weights and the tool world's tokenizer."""
    vocabulary = load_tokenizer(WORLD_MODEL).vocab_size
    config = ModelConfig.from_hf(CONFIG | {"vocab_size": vocabulary} | changes)
    save_model(init_model(config, seed=1), directory)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(WORLD_MODEL / name, directory / name)
    return directory


def write_data(path: Path, trajectories: int = 11) -> Path:
    """Trajectories of the tool world in the authors' raw format; short ones, for speed."""
    made = sorted(make_trajectories("train", 60, 0), key=lambda t: len(str(to_raw(t))))
    path.write_text(json.dumps([to_raw(t) for t in made[:trajectories]]), encoding="utf-8")
    return path
