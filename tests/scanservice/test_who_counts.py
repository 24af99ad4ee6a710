"""Whose requests use up a first scan: people, when they look; never previews, crawlers, prefetches and pages opened in data centres.

User agents and headers as the named software sends them.
"""

import pytest

from scanservice.hot import functions, streams
from tests.scanservice.conftest import Client, LocalEdge, Market

HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
ANDROID = (
    "Mozilla/5.0 (Linux; Android 15; V2366A Build/AP3A) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/130.0.6723.103"
)
CHROME = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36"

PEOPLE = {
    "Safari": f"{IPHONE} Version/18.5 Mobile/15E148 Safari/604.1",
    "Chrome": CHROME,
    "Firefox": "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0",
    "Samsung Internet": f"{ANDROID} SamsungBrowser/28.0 Mobile Safari/537.36",
    "Edge": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0",
    "WeChat on iPhone": f"{IPHONE} Mobile/15E148 MicroMessenger/8.0.60(0x18003c2f) NetType/WIFI Language/zh_CN",
    "WeChat on Android": f"{ANDROID} Mobile Safari/537.36 XWEB/1300333 MMWEBSDK/20250201 MicroMessenger/8.0.58.2841(0x28003A35) WeChat/arm64",
    "Alipay": f"{IPHONE} Mobile/15E148 NebulaSDK/1.8.100112 Nebula AlipayDefined(nt:WIFI,ws:390|780|3.0) AlipayClient/10.7.20 Language/zh-Hans",
    "DingTalk": f"{IPHONE} Mobile/15E148 AliApp(DingTalk/7.6.50) com.laiwang.DingTalk/41212543 Channel/201200 language/zh-Hans-CN UT4Aplus/0.0.6",
    "QQ": f"{ANDROID} Mobile Safari/537.36 V1_AND_SQ_9.1.75_9696 QQ/9.1.75.25965 NetType/4G WebP/0.3.0",
    "Weibo": f"{IPHONE} Mobile/15E148 Weibo (iPhone16,1__weibo__15.6.2__iphone__os18.5)",
    "Douyin": f"{ANDROID} Mobile Safari/537.36 aweme_340100 JsSdk/1.0 NetType/WIFI Channel/xiaomi AppName/aweme app_version/34.1.0 ByteLocale/zh-CN",
    "UC": f"{ANDROID} UCBrowser/17.5.2.1383 Mobile Safari/537.36",
    "Huawei": f"{ANDROID} HuaweiBrowser/16.0.5.300 Mobile Safari/537.36",
    "Xiaomi": f"{ANDROID} Mobile Safari/537.36 XiaoMi/MiuiBrowser/19.3.200305",
}
SOFTWARE = {
    "WhatsApp": "WhatsApp/2.25.18.80 A",
    "Telegram": "TelegramBot (like TwitterBot)",
    "iMessage": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0",
    "Facebook": "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Twitter": "Twitterbot/1.0",
    "Slack": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Discord": "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "LinkedIn": "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "Skype": "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com",
    "DingTalk": "Mozilla/5.0 (compatible; DingTalkBot-LinkService/1.0)",
    "Google": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Bing": "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/116.0.1938.76 Safari/537.36",
    "Baidu": "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
    "Sogou": "Sogou web spider/4.0(+http://www.sogou.com/docs/help/webmasters.htm#07)",
    "360": "Mozilla/5.0 (Windows NT 10.0; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/50.0 Safari/537.36; 360Spider",
    "Shenma": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) YisouSpider/5.0 Safari/537.36",
    "ByteDance": "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 (compatible; Bytespider; spider-feedback@bytedance.com)",
    "Huawei": "Mozilla/5.0 (compatible;PetalBot;+https://webmaster.petalsearch.com/site/petalbot)",
    "Apple": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.1.1 Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)",
}
AXIOS = "application/json, text/plain, */*"
# Software that people write programs with, as it asks where its user says nothing: programs and previews of links alike.
TOOLS = {
    "axios": ("axios/1.7.2", AXIOS),
    "axios in a bundle": ("Mozilla/5.0 (Linux; Android 15) axios/0.21.4", AXIOS),
    "node-fetch": ("node-fetch/1.0 (+https://github.com/bitinn/node-fetch)", "*/*"),
    "Node's own fetch": ("node", "*/*"),
    "python-requests": ("python-requests/2.32.3", "*/*"),
    "curl": ("curl/8.7.1", "*/*"),
    "Go": ("Go-http-client/2.0", ""),
    "okhttp": ("okhttp/4.12.0", "*/*"),
    "okhttp without Accept": ("okhttp/4.12.0", ""),
    "Java": ("Java/21", "text/html, image/gif, image/jpeg, */*; q=0.2"),
}
# JSON alone: whoever asks for nothing else means it.
ON_PURPOSE = {
    "a program without a name": ("", "application/json"),
    "axios that was told": ("axios/1.7.2", "application/json"),
    "python-requests that was told": ("python-requests/2.32.3", "application/json; charset=utf-8"),
    "problems too": ("okhttp/4.12.0", "application/problem+json, application/json;q=0.9"),
}
AHEAD = {
    "Chrome fetches ahead": {"sec_purpose": "prefetch"},
    "Chrome renders ahead": {"sec_purpose": "prefetch;prerender"},
    "Safari shows a top site": {"x_purpose": "preview"},
    "Firefox fetches ahead": {"x_moz": "prefetch"},
    "an older Chrome fetches ahead": {"purpose": "prefetch"},
}
# Tencent Cloud and Alibaba Cloud, where messengers open links in whole browsers to see whether they are safe.
DATA_CENTRES = ("119.29.29.29", "223.5.5.5")


def entries(market: Market) -> int:
    return sum(streams.length(market.redis, partition) for partition in range(functions.PARTITIONS))


def buyer_after(edge: LocalEdge, market: Market, row: int = 1) -> str:
    return edge.stranger().verdict(market.path(row))


def test_people_count_once_they_looked(edge: LocalEdge, market: Market) -> None:
    told = {}
    for row, (name, user_agent) in enumerate(PEOPLE.items(), start=1):
        person = edge.stranger(user_agent=user_agent)
        ticket = person.open(market.path(row))
        looked = person.post("/v1/scans/confirm", {"ticket": ticket}).json()["verdict"]
        told[name] = looked, buyer_after(edge, market, row)
    assert told == dict.fromkeys(PEOPLE, ("genuine_first", "genuine_seen"))


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_previews_and_crawlers_use_up_nothing(edge: LocalEdge, market: Market, method: str) -> None:
    told = {}
    for row, (name, user_agent) in enumerate(SOFTWARE.items(), start=1):
        answer = edge.stranger(user_agent=user_agent).ask(method, market.path(row), accept=HTML)
        told[name] = answer.status, entries(market)
    assert told == dict.fromkeys(SOFTWARE, (307, 0))
    assert {buyer_after(edge, market, row) for row in range(1, len(SOFTWARE) + 1)} == {"genuine_first"}


def test_what_a_tool_asks_by_itself_uses_up_nothing(edge: LocalEdge, market: Market) -> None:
    told = {}
    for row, (name, (user_agent, accept)) in enumerate(TOOLS.items(), start=1):
        answer = edge.stranger(user_agent=user_agent).get(market.path(row), **({"accept": accept} if accept else {}))
        told[name] = answer.status, buyer_after(edge, market, row)
    expected = {name: (200 if accept == AXIOS else 307, "genuine_first") for name, (_, accept) in TOOLS.items()}
    assert told == expected


def test_the_fetcher_got_is_known_for_a_crawler(edge: LocalEdge, market: Market) -> None:
    answer = edge.stranger(user_agent="got (https://github.com/sindresorhus/got)").get(market.path(1))
    assert (answer.status, entries(market)) == (307, 0)


def test_whoever_asks_for_json_alone_counts(edge: LocalEdge, market: Market) -> None:
    told = {}
    for row, (name, (user_agent, accept)) in enumerate(ON_PURPOSE.items(), start=1):
        verdict = edge.stranger(user_agent=user_agent).get(market.path(row), accept=accept).json()["verdict"]
        told[name] = verdict, buyer_after(edge, market, row)
    assert told == dict.fromkeys(ON_PURPOSE, ("genuine_first", "genuine_seen"))


def test_json_for_who_would_take_anything_is_a_glance_whatever_its_name(edge: LocalEdge, market: Market) -> None:
    cards = edge.stranger(user_agent="LinkCards/1.0")
    for accept in (AXIOS, "application/json, text/javascript, */*; q=0.01", "application/json, application/xml"):
        assert cards.get(market.path(1), accept=accept).json()["verdict"] == "genuine_first"
    assert entries(market) == 3
    assert buyer_after(edge, market) == "genuine_first"


def test_what_a_browser_fetches_ahead_uses_up_nothing(edge: LocalEdge, market: Market) -> None:
    for row, headers in enumerate(AHEAD.values(), start=1):
        edge.stranger(user_agent=CHROME).get(market.path(row), accept=HTML, **headers)
    assert entries(market) == 0
    assert {buyer_after(edge, market, row) for row in range(1, len(AHEAD) + 1)} == {"genuine_first"}


def test_a_page_that_nobody_looked_at_uses_up_nothing(edge: LocalEdge, market: Market) -> None:
    edge.stranger(user_agent=PEOPLE["Safari"]).open(market.path(1))
    assert buyer_after(edge, market) == "genuine_first"


@pytest.mark.parametrize("ip", DATA_CENTRES)
def test_a_page_in_a_data_centre_confirms_by_a_tap_alone(edge: LocalEdge, market: Market, ip: str) -> None:
    robot = Client(edge=edge, ip=ip, user_agent=PEOPLE["WeChat on Android"])
    ticket = robot.open(market.path(1))
    refused = robot.post("/v1/scans/confirm", {"ticket": ticket})
    assert (refused.status, refused.json()["code"]) == (409, "tap_needed")
    assert buyer_after(edge, market) == "genuine_first"
    tapped = robot.post("/v1/scans/confirm", {"ticket": ticket, "tapped": True})
    assert tapped.json()["verdict"] == "genuine_seen"
