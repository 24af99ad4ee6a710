"""A function fits a screen, a module fits the head, and no file is a data set."""

from tests.tidy.tree import ROOT, functions, modules, paths, report

FUNCTION_LINES_MAX = 70
MODULE_LINES_MAX = 400
FILE_BYTES_MAX = 500_000


def test_a_function_fits_a_screen() -> None:
    faults = []
    for module in modules():
        for function in functions(module):
            lines = (function.end_lineno or function.lineno) - function.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                faults.append(f"{module.path}:{function.lineno} {function.name} has {lines} lines")
    report(
        faults,
        instead=f"At most {FUNCTION_LINES_MAX} lines: keep the decisions in the function and move its straight stretches out, "
        "each under the name of what it does.",
    )


def test_a_module_fits_the_head() -> None:
    report(
        [f"{module.path} has {module.lines} lines" for module in modules() if module.lines > MODULE_LINES_MAX],
        instead=f"At most {MODULE_LINES_MAX} lines: a module that is longer has two subjects. Give the second a file of its own.",
    )


def test_no_file_is_a_data_set() -> None:
    sizes = {path: (ROOT / path).stat().st_size for path in paths()}
    report(
        [f"{path} has {size:,} bytes" for path, size in sizes.items() if size > FILE_BYTES_MAX],
        instead=f"At most {FILE_BYTES_MAX:,} bytes: data come out of packages or are generated; pictures are made smaller.",
    )
