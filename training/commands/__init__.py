"""The functions behind `ctm`, whose arguments and docstrings are its options and its help.

Each imports what it needs when it runs, so that every `--help` is instant.
"""
