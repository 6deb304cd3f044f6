"""The weighted cross-entropy beside everybody else's: `python -m kernels.bench`."""
