"""The control: a scan answered by Flask. The same catalogue, cipher, Redis function, log entry, verdict, ticket and document as
the edge's, made by the same code; other are only the web framework, the server, and one FCALL by redis-py for each request.
"""

from typing import cast

import msgspec
from flask import Flask, Response, request

from codegen import digital_link
from kit import ids, seals, settings
from kit.clock import SystemClock, unix_ms
from kit.db import make_engine
from kit.redis import connect
from scanservice import catalogue, places, tickets, verdicts, visitors
from scanservice.catalogue import Asked, Elsewhere
from scanservice.edge import scanning
from scanservice.edge.parts import host_name, language, verdict_document
from scanservice.edge.scanning import Answered, Repeat, Scan, entries_max, entry
from scanservice.hot import calls, functions, state

_given = settings.read()
_secret = _given.secret_bytes
_keys = visitors.Keys.of(_secret)
_ticket_key = seals.derive(_secret, tickets.KEY_PURPOSE)
_entries_max = entries_max(_given.log_bytes_max)
_catalogue = catalogue.load(make_engine(_given.database_url), kek=_given.kek_bytes)
_redis = connect(_given.redis_url)
_clock = SystemClock()

app = Flask(__name__)


@app.get("/readyz")
def ready() -> str:
    return "ready"


@app.get("/01/<path:_code>")
def scan(_code: str) -> Response:
    address = digital_link.parse(request.path)
    brand = _catalogue.brand_for(host_name(request.host), gtin=address.gtin, guess=True)
    assert not isinstance(brand, Elsewhere)
    now = _clock.now()
    client = visitors.address(request.remote_addr or "")
    asked = Asked(tenant_id=brand.tenant_id, gtin=address.gtin, serial=address.serial)
    visitor = visitors.by_address(
        _keys, tenant_id=brand.tenant_id, address=client, user_agent=request.headers.get("User-Agent", "").encode()
    )
    answered = _record(
        Scan(
            asked=asked,
            scan_id=ids.uuid7(now),
            at_ms=unix_ms(now),
            repeat=Repeat.NEVER,
            visit=scanning.visit(
                confirmed=True,
                visitor=visitor,
                whence=visitors.network_of(_keys, client) + places.UNKNOWN,
                address=client,
                client="api",
                language=language(request.headers.get("Accept-Language", "").encode()),
            ),
        )
    )
    return Response(msgspec.json.encode(verdict_document(answered, key=_ticket_key)), mimetype="application/json")


def _record(scan: Scan) -> Answered:
    item = _catalogue.item(scan.asked)
    assert item.counted is not None
    epoch, counter = item.counted
    facts, visit = item.facts, scan.visit
    tenant_id = scan.asked.tenant_id
    partition = functions.partition_of(tenant_id, counter)
    visitor = visit.visitor[: state.VISITOR_BYTES]
    (answer,) = cast(
        "list[bytes]",
        _redis.fcall(
            functions.SCAN,
            3,
            functions.meta_key(partition),
            functions.log_key(partition),
            functions.bucket_key(partition, tenant_id=tenant_id, epoch=epoch, counter=counter),
            _catalogue.generation,
            _catalogue.version,
            _entries_max,
            calls.DONE_S,
            functions.field(counter),
            calls.told(
                verdicts.mode(facts.standing, visit.role, confirmed=visit.confirmed),
                state.seconds(scan.at_ms // 1000),
                visitor,
                visit.whence,
                entry(scan, item),
            ),
        ),
    )
    judgement = verdicts.judge(
        standing=facts.standing,
        standing_reason=facts.standing_reason,
        before=state.unpack(answer[4:]) if len(answer) > 4 else None,
        visitor=visitor,
        whence=visit.whence,
        role=visit.role,
        at_s=int.from_bytes(answer[:4], "big"),
    )
    return Answered(scan=scan, item=item, judgement=judgement)
