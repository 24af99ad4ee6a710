"""The command line `onemark`. Results go to stdout, progress and refusals to stderr; exit 0 done, 1 refused, 2 wrong usage."""

from web.cli.root import cli
from web.cli import codes, imports, instance, products, staff  # noqa: F401, I001 - each adds its commands to `cli`


def main() -> None:
    cli(prog_name="onemark")
