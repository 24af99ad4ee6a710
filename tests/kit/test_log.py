import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from kit import log

LIBRARY = "a_library"


class Written(io.StringIO):
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def written() -> Iterator[Written]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = Written()
    log.configure(process="edge", stream=stream)
    yield stream
    root.handlers = handlers
    root.setLevel(level)


def test_an_event_is_one_line_with_its_facts_process_and_time(written: Written) -> None:
    log.get("shop.till").warning("the till is open", till=3, owner="李")
    (line,) = written.lines()
    at = line.pop("timestamp")
    assert line == {
        "event": "the till is open",
        "till": 3,
        "owner": "李",
        "process": "edge",
        "level": "warning",
        "logger": "shop.till",
    }
    assert at.endswith("Z")
    assert "李" in written.getvalue()


def test_what_json_does_not_know_is_written_as_python_shows_it(written: Written) -> None:
    log.get("shop").info("counted", tills={1}, key=b"\xff")
    assert (written.lines()[0]["tills"], written.lines()[0]["key"]) == ("{1}", "b'\\xff'")


def test_a_traceback_is_part_of_the_line(written: Written) -> None:
    try:
        int("no till")
    except ValueError:
        log.get("shop").exception("it failed")
        log.get("shop").warning("it failed", exc_info=True)
        log.get("shop").error("it failed")
    assert ["ValueError: invalid literal" in line.get("exception", "") for line in written.lines()] == [True, True, False]


def test_lines_inside_a_request_carry_its_id(written: Written) -> None:
    with log.request("a1"):
        log.get("shop").info("inside")
        with log.request("b2"):
            log.get("shop").info("further inside")
    log.get("shop").info("outside")
    assert [line.get("request_id") for line in written.lines()] == ["a1", "b2", None]


def test_a_request_that_began_lasts_until_the_next(written: Written) -> None:
    with log.request("a1"):
        log.begin_request("b2")
        log.get("shop").info("one")
        log.begin_request("c3")
        log.get("shop").info("other")
    assert [line.get("request_id") for line in written.lines()] == ["b2", "c3"]


def test_lines_of_libraries_look_like_our_own(written: Written) -> None:
    logging.getLogger(LIBRARY).warning("%d tills, 100%% open", 3)
    logging.getLogger("rq").info("looked")
    (line,) = written.lines()
    assert (line["event"], line["logger"], line["process"]) == ("3 tills, 100% open", LIBRARY, "edge")


def test_a_sentence_is_not_a_format(written: Written) -> None:
    log.get("shop").info("100% open", till="%s")
    assert written.lines()[0]["event"] == "100% open"
