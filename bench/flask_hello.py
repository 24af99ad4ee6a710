"""The smallest Flask application, behind the bridge that our pages stand behind."""

from flask import Flask

from kit.wsgi import WsgiBridge

app = Flask(__name__)


@app.get("/<path:_path>")
def hello(_path: str) -> str:
    return "hello, world"


bridged = WsgiBridge(app, body_bytes_max=0)
