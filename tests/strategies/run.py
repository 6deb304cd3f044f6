"""Command lines and corrupted config values for tl.run.cli."""

from hypothesis import strategies as st

numbers = st.floats(0, 1e9, allow_subnormal=True)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)


def flag_values() -> st.SearchStrategy[dict]:
    """Values of the flags of tests.test_run_cli.small_parser: any subset, awkward texts
    included."""
    return st.fixed_dictionaries(
        {},
        optional={
            "rate": numbers,
            "steps": st.integers(0, 10**12),
            "name": texts,
            "packing": st.booleans(),
            "resume": st.none() | texts,
            "switch": st.booleans(),
            "targets": st.lists(texts.filter(lambda text: not text.startswith("-")), max_size=3),
        },
    )
