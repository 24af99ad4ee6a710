"""The page of 300 Multiple Choices for people: links that their phone cannot choose between, by their titles. Small, without script."""

from collections.abc import Sequence
from html import escape
from typing import Final

from codegen.resolver_links.link_table import Link

_PAGE: Final = """<!doctype html>
<html lang="{lang}"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex"><title>{title}</title>
<style>body{{font:17px/1.6 system-ui,sans-serif;max-width:32em;margin:12vh auto 0;padding:0 1.2em;color:#17202b;background:#f4f5f2}}
h1{{font-size:1.35em;margin:0}}p{{margin:.2em 0 1.2em;color:#55606e}}ul{{list-style:none;padding:0;margin:0}}
a{{display:block;margin:.6em 0;padding:.8em 1.1em;border:1px solid #e2e5df;border-radius:14px;background:#fff;color:#0f5c4d;overflow-wrap:anywhere}}
small{{display:block;color:#55606e}}</style>
<h1>{title}</h1><p>{name}</p><ul>{links}</ul></html>
"""
_TITLES: Final = {"zh": "请选择要打开的链接", "en": "Which one do you want to open?"}


def page(name: str, chosen: Sequence[tuple[Link, str]], *, language: str) -> bytes:
    """`chosen` are links with the address that each leads to."""
    links = "".join(
        f'<li><a href="{escape(address)}">{escape(link.title)}<small>{escape(address.partition("//")[2].partition("/")[0])}</small></a></li>'
        for link, address in chosen
    )
    return _PAGE.format(lang=language, title=_TITLES[language], name=escape(name), links=links).encode()
