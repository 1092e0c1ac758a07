"""Files on this machine and on servers."""
