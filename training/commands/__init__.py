"""The commands of `ctm`: their table, their options, and the functions that run them.

A command's modules are imported when it runs, so that `--help` is instant.
"""
