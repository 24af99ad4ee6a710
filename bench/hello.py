"""The ceilings: the smallest application there can be, as ordinary ASGI and answered straight (kit.http_straight)."""

from kit.http_straight import Reply
from scanservice.edge.http import Receive, Scope, Send

_BODY = b'{"hello":"world"}'
_HEADERS = ((b"content-type", b"application/json"),)
_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_BODY))],
}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send(_START)
    await send({"type": "http.response.body", "body": _BODY})


class StraightApp:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)

    def straight(self, scope: Scope, reply: Reply) -> bool:
        if scope["raw_path"] == b"/readyz":
            return False
        reply(200, _HEADERS, _BODY)
        return True


straight_app = StraightApp()
