"""The same tables as CSV files, for a spreadsheet.

Promises: UTF-8 with the mark that spreadsheets want; no cell is a formula, whatever a lot is called; small numbers stay as hidden as on
the page.
"""

import csv
import io
from collections.abc import Iterable

from flask import Response

from kit.csv_files import plain_cell
from web.accounts import Role
from web.portal import views
from web.portal.divisions import FEW_BELOW, Row, Spread
from web.portal.routes import blueprint
from web.signed_in import admits

HEADER = ("division", "name", "place", "scans")
_BYTE_ORDER_MARK = "\ufeff"


@blueprint.get("/lots/<lot>/scans.csv")
@admits(Role.DISTRIBUTOR)
def lot_file(lot: str) -> Response:
    delivery = views.delivery(lot)
    return _file(views.whereabouts([delivery], views.asked()).spread, name=f"scans-{delivery.shipped.lot}.csv")


@blueprint.get("/scans.csv")
@admits(Role.DISTRIBUTOR)
def scans_file() -> Response:
    return _file(views.whereabouts(views.deliveries(), views.asked()).spread, name="scans.csv")


def table(rows: Iterable[Row]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEADER)
    for row in rows:
        scans = f"<{FEW_BELOW}" if row.few else str(row.scans)
        name = views.division_name(row.division) if row.division else ""
        writer.writerow([plain_cell(cell) for cell in (row.division, name, row.place.value, scans)])
    return out.getvalue()


def _file(spread: Spread, *, name: str) -> Response:
    response = Response(_BYTE_ORDER_MARK + table(spread.rows), mimetype="text/csv")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
