"""The hot path: somebody asks for exactly what is printed, `GET /01/{gtin}/21/{serial}`, and nothing about it is unusual.

Promises: the answer that `visits` would give, byte for byte, because `visits` makes its scan and its answer; left out are only what such
a request cannot need, and every task and coroutine between the request and its answer. Whatever is unusual (another method, a query, a
prefetch, a crawler, a linkset, a code that nobody made or that has to be looked up again) is left to `visits` altogether, before
anything was recorded.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Final

from kit.http_straight import Reply, Scope
from kit.refusals import Refusal
from scanservice.catalogue import Asked, Catalogue, Elsewhere
from scanservice.edge import counters, http, visits
from scanservice.edge.askers import Askers
from scanservice.edge.http import Answer, Request
from scanservice.edge.parts import Parts
from scanservice.edge.recorder import CatalogueOld
from scanservice.edge.scanning import Answered

_PATH: Final = re.compile(rb"/01/([0-9]{14})/21/([0-9A-HJKMNP-TV-Z]{20})")
_PATH_BYTES: Final = 42
OWNERS_KEPT: Final = 1 << 12

_BROKEN: Final = http.json(500, {"status": 500, "code": "internal_error"})

_Owner = tuple[int, str]
"""Tenant and GTIN."""

Usual = Callable[[Request], Awaitable[Answer]]


class Printed:
    """For one running edge. `usual` answers where the quick way turns out to be closed, refusals included."""

    def __init__(self, parts: Parts, usual: Usual) -> None:
        self._parts = parts
        self._usual = usual
        self._askers = Askers(parts)
        self.forget_askers = self._askers.forget
        self._owners: dict[tuple[str, bytes], _Owner | None] = {}
        self._owners_by: Catalogue | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def straight(self, scope: Scope, reply: Reply) -> bool:
        """False: nothing was recorded, and the request goes the usual way."""
        path: bytes = scope["raw_path"]
        parts = self._parts
        catalogue = parts.shelf.current
        if len(path) != _PATH_BYTES or scope["query_string"] or catalogue is None:
            return False
        printed = _PATH.fullmatch(path)
        if printed is None:
            return False
        asker = self._askers.of(scope)
        if asker is None:
            return False
        began_s = perf_counter()
        found = self._owner(asker.host, printed[1], catalogue)
        if found is None:
            return False
        asked = Asked(*found, printed[2].decode())
        item = catalogue.item(asked)
        if item.counted is None:
            return False
        new_cookie = visits.cookie_for(asker)

        def told(answered: Answered | Exception) -> None:
            try:
                if isinstance(answered, Answered):
                    _give(visits.answer_to(asker, answered, parts, path=path, query=b"", new_cookie=new_cookie), reply, began_s)
                else:
                    self._otherwise(answered, scope, reply, began_s)
            except Exception:
                _give(_BROKEN, reply, began_s)
                raise

        return parts.scanner.send(visits.scan_by(asker, asked, parts, new_cookie=new_cookie), item, catalogue, told)

    def _owner(self, host: str, gtin: bytes, catalogue: Catalogue) -> _Owner | None:
        """Found once for each catalogue. None: nobody's here."""
        if catalogue is not self._owners_by:
            self._owners.clear()
            self._owners_by = catalogue
        key = (host, gtin)
        try:
            return self._owners[key]
        except KeyError:
            found = _owner(host, gtin.decode(), catalogue, guess=self._parts.guess_brand)
        if len(self._owners) >= OWNERS_KEPT:
            self._owners.clear()
        self._owners[key] = found
        return found

    def _otherwise(self, failure: Exception, scope: Scope, reply: Reply, began_s: float) -> None:
        request = Request(scope, trusted=self._parts.trusted)
        if isinstance(failure, CatalogueOld):
            # Nothing was written: the usual way fetches the newer catalogue.
            task = asyncio.get_running_loop().create_task(self._answer_usually(request, reply, began_s))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif isinstance(failure, Refusal):
            _give(http.refused(failure, request, visits.resolver_headers(request)), reply, began_s)
        else:
            raise failure

    async def _answer_usually(self, request: Request, reply: Reply, began_s: float) -> None:
        try:
            answer = await self._usual(request)
        except Exception:
            _give(_BROKEN, reply, began_s)
            raise
        _give(answer, reply, began_s)


def _owner(host: str, gtin: str, catalogue: Catalogue, *, guess: bool) -> _Owner | None:
    if not visits.is_gtin(gtin):
        return None
    try:
        brand = catalogue.brand_for(host, gtin=gtin, guess=guess)
    except Refusal:
        return None
    return None if isinstance(brand, Elsewhere) else (brand.tenant_id, gtin)


def _give(answer: Answer, reply: Reply, began_s: float) -> None:
    reply(*answer)
    counters.ANSWERS.add(answer.status)
    counters.ANSWER_S.observe(perf_counter() - began_s)
