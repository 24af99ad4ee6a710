"""A file is named for its subject. Files named for a role collect whatever plays that role, and grow without an end."""

from pathlib import PurePosixPath

from tests.tidy.tree import modules, report

ROLES = frozenset(
    {
        "abstract", "base", "bases", "common", "controller", "controllers", "core", "factories", "factory", "handler", "handlers",
        "helper", "helpers", "impl", "interface", "interfaces", "lib", "logic", "main", "manager", "managers", "misc",
        "processor", "processors", "repositories", "repository", "service", "services", "shared", "stuff", "tool", "tools",
        "types", "util", "utilities", "utils",
    }
)  # fmt: skip
# Refused as the last word of a longer name as well: string_utils, order_manager.
LAST_WORDS = frozenset({"common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"})
# Names that sound like a role and are a subject here, each with its reason.
SUBJECTS = {"web/services.py": "the five services that the supervisor and the containers start"}


def test_a_file_is_named_for_its_subject() -> None:
    faults = []
    for module in modules():
        path = PurePosixPath(module.path)
        for part in (*path.parent.parts, path.stem):
            named = part.removeprefix("test_").removeprefix("_")
            is_role = named in ROLES or named.rsplit("_", 1)[-1] in LAST_WORDS
            if is_role and module.path not in SUBJECTS:
                faults.append(f"{module.path} is named for a role: {named}")
    report(faults, instead="Name the file for what it is about: ledger, verdicts, key ring. What has no subject has no file.")


def test_the_list_of_subjects_holds_no_name_that_is_gone() -> None:
    there = {module.path for module in modules()}
    report(
        [f"{path} is not there any more" for path in SUBJECTS if path not in there],
        instead="Take the entry out of SUBJECTS in this test.",
    )
