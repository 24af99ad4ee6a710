"""The edge's own pages: a few words when it cannot send a phone on to the consumer page. Small, without script or picture.

Promise: Chinese or English by Accept-Language, and never a word about why that could help a forger. Everything else that
people see is made by the web process.
"""

from html import escape
from typing import Final

from kit.refusals import Refusal

_PAGE: Final = """<!doctype html>
<html lang="{lang}"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>{title}</title>
<style>body{{font:17px/1.6 system-ui,sans-serif;max-width:30em;margin:18vh auto 0;padding:0 1.2em;color:#1d2733;background:#f6f7f9}}
h1{{font-size:1.35em;margin:0 0 .4em}}small{{color:#667}}</style>
<h1>{title}</h1><p>{text}</p><p><small>{code}</small></p></html>
"""

# By status, then more exact ones by code: (Chinese title, Chinese text, English title, English text).
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
_OTHER: Final = (
    "无法处理这个请求",
    "请重新扫描商品上的二维码。",
    "This did not work",
    "Please scan the code on the product again.",
)


def refusal(refusal: Refusal, *, language: str) -> bytes:
    title_zh, text_zh, title_en, text_en = _BY_STATUS.get(refusal.status, _OTHER)
    chinese = prefers_chinese(language)
    return _PAGE.format(
        lang="zh" if chinese else "en",
        title=escape(title_zh if chinese else title_en),
        text=escape(text_zh if chinese else text_en),
        code=escape(refusal.code),
    ).encode()


def prefers_chinese(accept_language: str) -> bool:
    """The first language named wins; nobody who opens these pages sends quality values out of order."""
    first = accept_language.split(",", 1)[0].strip().lower()
    return first.startswith("zh")
