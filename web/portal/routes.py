"""The blueprint of the portal, on which its view modules hang their pages."""

from flask import Blueprint

blueprint = Blueprint("portal", __name__, url_prefix="/portal")
