"""The options of the commands, as dataclasses."""
