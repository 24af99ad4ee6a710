"""Scan origins: what may be printed in front of codes."""

import pytest

from codegen import origins
from kit.refusals import Refusal


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("HTTPS://ID.EXAMPLE", "https://id.example"),
        ("https://id.example:8443/", "https://id.example:8443"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://192.168.1.20:8000", "http://192.168.1.20:8000"),
        ("HTTP://LOCALHOST:8000", "http://localhost:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_origin_is_scheme_host_and_port(text: str, origin: str) -> None:
    assert origins.checked(text) == origin


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("http://id.example", "origin_not_secure"),
        ("http://8.8.8.8", "origin_not_secure"),
        ("http://localhost.example", "origin_not_secure"),
        ("ftp://id.example", "origin_malformed"),
        ("id.example", "origin_malformed"),
        ("https://", "origin_malformed"),
        ("https://id.example/q", "origin_malformed"),
        ("https://id.example?x=1", "origin_malformed"),
        ("https://user@id.example", "origin_malformed"),
        ("https://id.example:99999", "origin_malformed"),
        ("https://[::1", "origin_malformed"),
        ("https://" + "a" * 200 + ".example", "origin_malformed"),
        ("https://id_x.example", "host_malformed"),
        ("https://茶.example", "host_malformed"),
    ],
)
def test_other_origins_are_refused_by_name(text: str, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        origins.checked(text)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("text", "host"),
    [("HTTPS://ID.EXAMPLE:8443", "id.example"), ("127.0.0.1:8000", "127.0.0.1"), ("[::1]:8000", "::1"), ("[", ""), ("", "")],
)
def test_the_host_of_an_origin_or_header_has_no_port(text: str, host: str) -> None:
    assert origins.host_of(text) == host
