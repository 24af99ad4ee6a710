"""Assets that come out of installed packages, served from here with long cache times: ECharts from the wheel vizly.

Bootstrap comes the same way through Bootstrap-Flask. Nothing is copied into this repository and nothing is fetched from elsewhere.
"""

from importlib.metadata import distribution, version
from pathlib import Path

from flask import Blueprint, Flask, Response, send_file, url_for

CACHE_S = 365 * 24 * 3600

blueprint = Blueprint("assets", __name__, url_prefix="/assets")


@blueprint.get("/echarts-<release>.js")
def echarts(release: str) -> Response:
    """`release` only makes the address change with the package, so that browsers may keep it for a year."""
    del release
    # The package is located and not imported: its Python side wants pandas, which is left out on purpose.
    path = Path(str(distribution("vizly").locate_file("vizly/assets/echarts.min.js")))
    response = send_file(path, mimetype="text/javascript", max_age=CACHE_S)
    response.headers["Cache-Control"] = f"public, max-age={CACHE_S}, immutable"
    return response


def install(app: Flask) -> None:
    app.register_blueprint(blueprint)
    app.jinja_env.globals["echarts_url"] = lambda: url_for("assets.echarts", release=version("vizly"))
