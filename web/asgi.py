"""The web process's application, made from the environment when the server imports it."""

import tempfile
from contextlib import ExitStack

from kit import daemons, db, log, metrics, redis, settings
from kit.clock import SystemClock
from kit.jobs import Jobs
from kit.throttle import Throttle
from kit.wsgi import WsgiBridge
from web import counters, pages
from web.app import Parts, create_app
from web.instance import Instance

log.configure(process="web")
_settings = settings.read()
_clock = SystemClock()
# Of Flask's forms too: in a container /tmp is memory.
tempfile.tempdir = str(daemons.private_folder(_settings.data_dir / "arriving"))
_instance = Instance(
    settings=_settings,
    engine=db.make_engine(_settings.database_url),
    clock=_clock,
    redis=redis.connect(_settings.redis_url),
    jobs=Jobs(redis.connect(_settings.queue_url)),
)
_flask = create_app(
    Parts(
        settings=_settings,
        engine=_instance.engine,
        clock=_clock,
        jobs=_instance.jobs,
        throttle=Throttle(_settings.queue_url, _clock),
        enqueue=_instance.enqueue,
        redis=_instance.redis,
    ),
    blueprints=pages.register,
)
app = WsgiBridge(
    _flask,
    body_bytes_max=_settings.request_bytes_max,
)
# For as long as the process lives.
_metrics = ExitStack()
_metrics.enter_context(
    metrics.served(
        counters.web_families,
        host=_settings.metrics_host,
        first_port=_settings.metrics_port and _settings.metrics_port + counters.WEB_PORTS,
    )
)
