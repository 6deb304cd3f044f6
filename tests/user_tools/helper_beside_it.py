"""A user's second file, which the first one imports."""


def doubled(a):
    return 2 * a
