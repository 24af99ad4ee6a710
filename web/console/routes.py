"""The blueprint of the console, on which its view modules hang their pages."""

from flask import Blueprint

blueprint = Blueprint("console", __name__, url_prefix="/console")
