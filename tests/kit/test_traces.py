"""Trace ids: kept where they are sound, made where they are not."""

import re

import pytest

from kit import traces

SOUND = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"


def test_a_sound_header_is_continued_with_a_span_of_our_own() -> None:
    trace = traces.of(SOUND)
    assert trace.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"
    onward = trace.onward()
    assert traces.of(onward).trace_id == trace.trace_id
    assert onward != trace.onward()
    assert onward.endswith("-00")


def test_a_later_version_is_read_as_far_as_we_know_it() -> None:
    assert traces.of("cc" + SOUND[2:] + "-what-the-future-will-be").trace_id == traces.of(SOUND).trace_id


@pytest.mark.parametrize(
    "header",
    [
        "",
        "ff" + SOUND[2:],
        SOUND.upper(),
        SOUND + "-more",
        SOUND + "\n",
        SOUND[:-1],
        SOUND.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32),
        SOUND.replace("00f067aa0ba902b7", "0" * 16),
    ],
)
def test_what_is_not_sound_is_as_if_it_had_not_come(header: str) -> None:
    made = traces.of(header).trace_id
    assert re.fullmatch("[0-9a-f]{32}", made)
    assert made != traces.of(header).trace_id
