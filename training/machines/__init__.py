"""The devices of one machine, and several machines."""
