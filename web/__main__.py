"""`python -m web` is the command `onemark`."""

from web.cli import main

main()
