"""The edge's own pages: a few words when it cannot send a phone on to the consumer page, in the dress of those. Small, without a script.

Promise: Chinese or English by Accept-Language, and never a word about why that could help a forger. Everything else that
people see is made by the web process.
"""

from html import escape
from typing import Final, NamedTuple

from kit.refusals import Refusal

# Colours, corners and sizes are those of web/static/consumer.css.
_PAGE: Final = """<!doctype html>
<html lang="{lang}"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex"><title>{title}</title>
<style>*{{box-sizing:border-box}}body{{font:17px/1.55 system-ui,-apple-system,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;margin:0;padding:56px 16px;color:#17202b;background:#f4f5f2;overflow-wrap:anywhere}}
main{{max-width:568px;margin:0 auto;padding:28px 20px 22px;text-align:center;border:1px solid #c9ced6;border-radius:20px;background:#e8ebef}}
.disc{{display:grid;place-items:center;width:92px;height:92px;margin:6px auto 22px;border-radius:50%;color:#fff;background:#475467;box-shadow:0 0 0 10px rgb(255 255 255/55%)}}
svg{{width:52px;height:52px}}h1{{margin:0;color:#475467;font-size:28px;line-height:1.2;text-wrap:balance}}
p{{max-width:26em;margin:10px auto 0;text-wrap:pretty}}small{{display:block;margin-top:14px;font-size:14px;color:#55606e}}
a{{display:block;margin-top:16px;padding:13px 18px;border-radius:14px;background:#0f5c4d;color:#fff;font-weight:650;text-decoration:none}}
a:focus-visible{{outline:3px solid #1a73e8;outline-offset:2px}}</style>
<main><div class="disc"><svg viewBox="0 0 48 48" fill="none" stroke="currentColor" stroke-width="3" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{icon}</svg></div>
<h1>{title}</h1><p>{text}</p>{way}<small>{code}</small></main></html>
"""
_QUESTION: Final = '<circle cx="24" cy="24" r="18"/><path d="M18.5 18.5a5.5 5.5 0 1 1 7.5 5.2c-1.4.6-2 1.6-2 3.3M24 33v.5"/>'
_CLOCK: Final = '<circle cx="24" cy="24" r="18"/><path d="M24 13v11l7 5"/>'


class _Way(NamedTuple):
    """A button that leads on. An empty address is that of the page itself: the same scan once more."""

    href: str
    words_zh: str
    words_en: str


_CHECK: Final = _Way("/check", "手动查验", "Check a code another way")
_AGAIN: Final = _Way("", "再试一次", "Try again")


# (Chinese title, Chinese text, English title, English text)
_BY_STATUS: Final = {
    400: (
        "无法识别的链接",
        "这个地址不是完整的商品码。请重新扫描商品上的二维码。",
        "This link is not complete",
        "It is not the address of a product code. Please scan the code on the product again.",
    ),
    404: (
        "没有找到",
        "这里没有这个地址。请重新扫描商品上的二维码。",
        "Not found",
        "There is nothing under this address. Please scan the code on the product again.",
    ),
    429: (
        "请稍后再试",
        "来自这个网络的无效查询过多。请稍等片刻再扫描。",
        "Please wait a moment",
        "Too many codes that do not exist were tried from this network. Please scan again a little later.",
    ),
    503: (
        "暂时无法查询",
        "系统暂时繁忙，没有记录这次扫描。请稍后再扫一次。",
        "We cannot check right now",
        "Your scan was not recorded. Please scan again in a moment.",
    ),
}
# Where the status alone would say something else than what happened.
_BY_CODE: Final = {
    "web_away": (
        "页面暂时打不开",
        "系统暂时繁忙。请稍后再试。",
        "This page does not open right now",
        "A part of our service does not answer. Please try again in a moment.",
    ),
    "too_many_at_once": (
        "请稍后再试",
        "来自这个网络的请求太多，还在处理中。请稍等片刻再试。",
        "Please wait a moment",
        "Many requests from this network are still under way. Please try again in a moment.",
    ),
    "too_many_uploads": (
        "请稍后再试",
        "现在有很多文件正在上传。请稍等片刻，再发送一次。",
        "Please wait a moment",
        "Many files are being uploaded right now. Please send yours again in a moment.",
    ),
    "body_too_large": (
        "内容太大",
        "您发送的文件太大。请选择较小的文件或较少的照片。",
        "This is too much at once",
        "What you sent is too large. Please choose a smaller file, or fewer photos.",
    ),
}
_OTHER: Final = (
    "无法处理这个请求",
    "请重新扫描商品上的二维码。",
    "This did not work",
    "Please scan the code on the product again.",
)
_ICONS: Final = {429: _CLOCK, 503: _CLOCK}
_WAYS: Final = {400: _CHECK, 404: _CHECK, 503: _AGAIN}


def refusal(refusal: Refusal, *, language: str) -> bytes:
    title_zh, text_zh, title_en, text_en = _BY_CODE.get(refusal.code) or _BY_STATUS.get(refusal.status, _OTHER)
    chinese = prefers_chinese(language)
    way = _WAYS.get(refusal.status)
    return _PAGE.format(
        lang="zh" if chinese else "en",
        title=escape(title_zh if chinese else title_en),
        text=escape(text_zh if chinese else text_en),
        icon=_ICONS.get(refusal.status, _QUESTION),
        way=f'<a href="{way.href}">{way.words_zh if chinese else way.words_en}</a>' if way else "",
        code=escape(refusal.code),
    ).encode()


def prefers_chinese(accept_language: str) -> bool:
    """The first language named wins; nobody who opens these pages sends quality values out of order."""
    first = accept_language.split(",", 1)[0].strip().lower()
    return first.startswith("zh")
