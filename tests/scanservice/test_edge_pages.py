"""The edge's own pages: what people read when it cannot send them on."""

import pytest

from kit.refusals import Invalid, Malformed, NotFound, Refusal, TooMany, Unavailable
from scanservice.edge import pages
from scanservice.edge.http import BodyTooLarge
from scanservice.edge.proxy import TooManyAtOnce, WebAway

BYTES_MAX = 3_000


def page(refusal: Refusal, language: str) -> str:
    written = pages.refusal(refusal, language=language)
    assert len(written) < BYTES_MAX
    return written.decode()


@pytest.mark.parametrize(
    ("refusal", "english", "chinese", "way"),
    [
        (Malformed(), "This link is not complete", "无法识别的链接", '<a href="/check">'),
        (NotFound(), "Not found", "没有找到", '<a href="/check">'),
        (TooMany(), "Please wait a moment", "请稍后再试", None),
        (Unavailable(), "Your scan was not recorded", "没有记录这次扫描", '<a href="">'),
        (WebAway(), "This page does not open right now", "页面暂时打不开", '<a href="">'),
        (TooManyAtOnce(), "still under way", "还在处理中", None),
        (BodyTooLarge(bytes_max=1), "a smaller file", "较小的文件", None),
        (Invalid(), "This did not work", "无法处理这个请求", None),
    ],
    ids=lambda value: value.code if isinstance(value, Refusal) else "",
)
def test_each_says_what_happened_and_where_to_go(refusal: Refusal, english: str, chinese: str, way: str | None) -> None:
    for language, said in (("en-GB,en", english), ("zh-CN,zh", chinese), ("", english)):
        told = page(refusal, language)
        assert said in told
        assert refusal.code in told
        assert (way in told) if way else "<a " not in told


def test_a_page_of_another_part_does_not_say_that_a_scan_was_lost() -> None:
    assert "not recorded" not in page(WebAway(), "en")


def test_nothing_of_it_needs_another_request() -> None:
    told = page(Unavailable(), "en")
    for outside in ("<script", "<link", "<img", "url(", "@import"):
        assert outside not in told
