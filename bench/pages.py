"""What does the page behind a verdict cost? Everybody who scans with a phone is sent to it by the edge's 307.

One web process as the one box runs it, asked directly and through the edge, for the pages of scans that this browser made. The control is
the smallest Flask application behind the same bridge and server: what is left when a page does nothing.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from http.client import HTTPConnection

from bench.contenders import LOOPBACK, Contender, serving
from bench.figures import Report, Rounds
from bench.ground import Ground
from bench.load import CONNECTIONS
from bench.scan import MEASURED_S, PHONE, Field, Subject

CODES = 500
GZIP = "Accept-Encoding: gzip\r\n"

DIRECT = "verdict page, one web process"
THROUGH = "verdict page, through the edge"
HELLO = "control: hello-world in Flask, same server and bridge"


def run(ground: Ground, *, rounds: int) -> Report:
    order = ground.order(quantity=CODES, lot="PAGES", activate=True)
    targets_file = ground.folder / "pages.txt"
    samples = Rounds()
    with ExitStack() as stack:
        web = stack.enter_context(serving(Contender.WEB, ground))
        edge = stack.enter_context(serving(Contender.EDGE, ground, ONEMARK_WEB_PORT=str(web.port)))
        hello = stack.enter_context(serving(Contender.HELLO_FLASK, ground))
        pages, cookie = _scanned(edge.port, ground.paths(order))
        targets_file.write_text("\n".join(pages), encoding="ascii")
        headers = f"{PHONE}{GZIP}Cookie: {cookie}\r\n"
        subjects = {
            DIRECT: _page(Contender.WEB, headers),
            THROUGH: _page(Contender.EDGE, headers),
            HELLO: Subject(contender=Contender.HELLO_FLASK, headers=headers, status=200, expects="hello", logs=False),
        }
        field = Field(ground, {Contender.WEB: web, Contender.EDGE: edge, Contender.HELLO_FLASK: hello}, targets_file)
        for number in range(rounds):
            _round(field, subjects, samples, turn=number % len(subjects))
    return Report(
        title="Pages",
        measured=samples.measured(),
        ratios=(samples.ratio(THROUGH, DIRECT), samples.ratio(DIRECT, HELLO)),
        notes=(
            f"{CONNECTIONS} keep-alive connections, {MEASURED_S:.0f} s a round; the first verdicts of {CODES} codes, gzip, the browser's own cookie. {field.wrong} wrong answers.",
            "A page takes one core's time; `onemark run web --workers N` takes N.",
        ),
    )


def _page(contender: Contender, headers: str) -> Subject:
    return Subject(contender=contender, headers=headers, status=200, expects="content-encoding: gzip", logs=False)


def _round(field: Field, subjects: Mapping[str, Subject], samples: Rounds, *, turn: int) -> None:
    names = list(subjects)
    for name in names[turn:] + names[:turn]:
        outcome, cost = field.measure(subjects[name])
        samples.note(name, "pages/s", outcome.per_s)
        samples.note(f"{name}: median wait", "ms", outcome.p50_ms)
        samples.note(f"{name}: p99", "ms", outcome.p99_ms)
        whose = "the edge's alone" if name == THROUGH else "of its processes"
        samples.note(f"{name}: processor time, {whose}", "microseconds a page", cost.server_us)


def _scanned(port: int, paths: Sequence[str]) -> tuple[list[str], str]:
    """The pages that one phone is sent to, and its cookie."""
    headers = dict(line.split(": ", 1) for line in PHONE.splitlines())
    pages = []
    connection = HTTPConnection(LOOPBACK, port)
    for path in paths:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        headers.setdefault("Cookie", answer.getheader("set-cookie", "").partition(";")[0])
        pages.append(answer.getheader("location", ""))
    connection.close()
    return pages, headers["Cookie"]
