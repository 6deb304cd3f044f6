"""The text that the tiny base model has read before any fine-tuning, and how it was trained on it.

    lexicon     verbs with their synonyms, nouns, kinds of parameters
    values      names, numbers, dates, ids, made-up words
    lookups     copy-dense documents: lists, tables, records
    modules     Python modules: functions with docstrings, comments, the lines that call them
    aspects     what is asked about things in plain words
    manuals     modules as different hands write them, with functions that answer such questions
    documents   which of them come when: the curriculum, a pure function of (seed, number)

The base model is to the embedded world what a code model is to the real one. It can read a
signature and copy a value; it has never seen a call in answer to a chat turn, and none of the
world's tools. `python -m tl.world.pretrain` makes it again.
"""
