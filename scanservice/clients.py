"""What software asks: a short word for the log, and whether it is one that must not count.

Crawlers come from the maintained list of the package `crawler-user-agents`. Tools that people write programs with (curl, HTTP
libraries, a browser without a screen) are on that list too; they are left in, because a page they fetch is only seen, and
whoever asks for JSON with them asks on purpose. Previewers that pretend to be browsers are known by their prefetch headers.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

import crawleruseragents

USER_AGENT_BYTES_MAX: Final = 300
AGENTS_KEPT: Final = 8192

_TOOLS: Final = (
    "curl/8",
    "Wget/1",
    "python-requests/2",
    "Python-urllib/3",
    "httpx/1",
    "aiohttp/3",
    "okhttp/4",
    "Go-http-client/1",
    "Apache-HttpClient/4",
    "axios/1",
    "node-fetch/1",
    "HeadlessChrome/1",
)
# Previews that the list does not know.
_MORE_CRAWLERS: Final = ("WeChat-Link-Preview", "DingTalkBot", "LarkUrl2Meta", "Feishu.*Preview", "QQ-URL-Manager", "YisouSpider")

# The first word that fits; apps come before the browser engine they embed.
_WORDS: Final = (
    ("wechat", "MicroMessenger"),
    ("alipay", "AlipayClient"),
    ("dingtalk", "DingTalk"),
    ("qq", " QQ/"),
    ("weibo", "Weibo"),
    ("edge", "Edg"),
    ("firefox", "Firefox"),
    ("samsung", "SamsungBrowser"),
    ("chrome", "Chrome"),
    ("safari", "Safari"),
)


class Client(NamedTuple):
    word: str
    counts: bool


def _crawlers() -> re.Pattern[str]:
    patterns = [
        entry["pattern"]
        for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA
        if not any(re.search(entry["pattern"], tool) for tool in _TOOLS)
    ]
    return re.compile("|".join([*patterns, *_MORE_CRAWLERS]))


_CRAWLERS: Final = _crawlers()


@lru_cache(maxsize=AGENTS_KEPT)
def client(user_agent: bytes) -> Client:
    text = user_agent[:USER_AGENT_BYTES_MAX].decode("latin-1")
    if _CRAWLERS.search(text):
        return Client("bot", counts=False)
    for word, mark in _WORDS:
        if mark in text:
            return Client(word, counts=True)
    return Client("other" if text else "", counts=True)


def is_prefetch(headers: dict[bytes, bytes]) -> bool:
    """A page fetched before anyone asked to see it (Fetch standard: Sec-Purpose; older browsers: Purpose, X-Purpose, X-Moz)."""
    for name in (b"sec-purpose", b"purpose", b"x-purpose", b"x-moz"):
        value = headers.get(name)
        if value is not None and (b"prefetch" in value or b"prerender" in value or b"preview" in value):
            return True
    return False
