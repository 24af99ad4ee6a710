"""The command line `onemark`. Results go to stdout, progress and refusals to stderr; exit 0 done, 1 refused, 2 wrong usage."""

from web.cli import (
    api_keys,
    brands,
    code_decisions,
    code_marks,
    codes,
    demo,
    exports,
    imports,
    keys,
    labels,
    links,
    package_checks,
    package_requests,
    package_templates,
    packages,
    pin_checks,
    products,
    running,
    scan_log,
    staff,
    url_checks,
    warnings,
)
from web.cli.root import cli

COMMANDS = (
    api_keys,
    brands,
    codes,
    code_decisions,
    code_marks,
    demo,
    exports,
    imports,
    keys,
    labels,
    links,
    package_checks,
    package_requests,
    package_templates,
    packages,
    pin_checks,
    products,
    running,
    scan_log,
    staff,
    url_checks,
    warnings,
)  # each adds its commands to `cli` when it is imported


def main() -> None:
    cli(prog_name="onemark")
