"""`python -m training` is `ctm`."""

from training.cli import main

main()
