"""Words in two languages: English in the code, Chinese in `web/words/*.zh.po`, chosen for each request.

Choice: `?lang=` (kept in a cookie), the cookie, the staff member's own setting, then Accept-Language. The catalogues are plain
gettext files, read at start; a test asks that every English phrase has its Chinese one.
"""

from datetime import datetime
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import LazyProxy
from flask import Flask, g, request
from flask.wrappers import Response

from kit.refusals import Refusal

LANGUAGES = {"zh": "中文", "en": "English"}
DEFAULT = "en"
COOKIE = "om_lang"
COOKIE_S = 365 * 24 * 3600
LOCALES = {"zh": "zh_Hans_CN", "en": "en"}


@cache
def chinese() -> dict[str, str]:
    """Every phrase of every catalogue."""
    phrases: dict[str, str] = {}
    for file in sorted(files("web").joinpath("words").iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".zh.po"):
            with file.open("rb") as opened:
                phrases.update(
                    {str(message.id): str(message.string) for message in read_po(opened) if message.id and message.string}
                )
    return phrases


def say(phrase: str, language: str) -> str:
    return chinese().get(phrase, phrase) if language == "zh" else phrase


def language() -> str:
    """The language of the request being answered."""
    chosen = g.get("language")
    if chosen is None:
        chosen = g.language = _choose()
    return str(chosen)


def gettext(phrase: str, **values: object) -> str:
    """The phrase in the request's language, with `%(name)s` filled in."""
    said = say(phrase, language())
    return said % values if values else said


def explained(refusal: Refusal) -> str:
    """What a refusal says to people, in the request's language."""
    return say(refusal.says, language()).format(**refusal.data) if refusal.says else say(refusal.detail, language())


def lazy(phrase: str) -> LazyProxy:
    """A phrase that is said when it is shown: for labels of forms, made before any request."""
    return LazyProxy(gettext, phrase, enable_cache=False)


_ = gettext


def instant(at: datetime, *, timezone: str = "Asia/Shanghai") -> str:
    return format_datetime(at.astimezone(ZoneInfo(timezone)), "yyyy-MM-dd HH:mm", locale=LOCALES[language()])


def day(at: datetime, *, timezone: str = "Asia/Shanghai") -> str:
    return format_date(at.astimezone(ZoneInfo(timezone)).date(), "long", locale=LOCALES[language()])


def number(value: float) -> str:
    return format_decimal(value, locale=LOCALES[language()])


def install(app: Flask) -> None:
    """Gives templates `_`, `trans`, `language`, `languages` and the filters `instant`, `day`, `number`."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        _plain, lambda one, many, count: _plain(one if count == 1 else many), newstyle=True
    )
    app.jinja_env.globals.update(language=language, languages=LANGUAGES)
    app.jinja_env.filters.update(instant=instant, day=day, number=number, explained=explained)
    app.after_request(_remember)


def _plain(phrase: str) -> str:
    return say(phrase, language())


def _choose() -> str:
    for wanted in (request.args.get("lang"), request.cookies.get(COOKIE), g.get("staff_language")):
        if wanted in LANGUAGES:
            return str(wanted)
    return request.accept_languages.best_match(["zh-CN", "zh", "en"], DEFAULT).split("-")[0]


def _remember(response: Response) -> Response:
    wanted = request.args.get("lang")
    if wanted in LANGUAGES:
        response.set_cookie(COOKIE, wanted, max_age=COOKIE_S, samesite="Lax", secure=request.is_secure)
    response.headers["Content-Language"] = language()
    response.vary.update(["Accept-Language", "Cookie"])
    return response
