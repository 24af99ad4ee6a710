"""Options of the dashboard's charts, as ECharts reads them. Pure: figures and names in, JSON out.

Tooltips are drawn on the canvas (`richText`), because the pages forbid styles that scripts write into HTML.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from scanservice.verdicts import Verdict

COLOURS = {
    Verdict.GENUINE_FIRST: "#0f7b63",
    Verdict.GENUINE_AGAIN: "#5bb39c",
    Verdict.GENUINE_SEEN: "#b5ddd0",
    Verdict.SUSPECT: "#e8a33d",
    Verdict.COUNTERFEIT: "#c0392b",
    Verdict.VOID: "#8e6bb0",
    Verdict.RECALLED: "#c77dab",
    Verdict.INACTIVE: "#9aa7a3",
    Verdict.EXPIRED: "#c4ccc9",
    Verdict.CONSUMED: "#5d7f9c",
}
ACCENT = "#0f7b63"
_GRID = {"left": 8, "right": 16, "top": 16, "bottom": 8, "containLabel": True}
_TIP = {"trigger": "axis", "renderMode": "richText", "confine": True, "axisPointer": {"type": "shadow"}}
INK = "#5b6a66"
_FAINT = {"lineStyle": {"color": "#e8ecea"}}


def stacked_days(
    days: Sequence[date], series: Mapping[Verdict, Sequence[int]], *, names: Mapping[Verdict, str]
) -> dict[str, Any]:
    """One bar for each day, in it one piece for each verdict."""
    return {
        "grid": {**_GRID, "bottom": 56},
        "tooltip": _TIP,
        "legend": {"bottom": 0, "type": "scroll", "itemWidth": 12, "itemHeight": 12},
        "xAxis": _days(days),
        "yAxis": _counts(),
        "series": [
            {
                "name": names[verdict],
                "type": "bar",
                "stack": "scans",
                "data": list(counts),
                "itemStyle": {"color": COLOURS[verdict]},
                "barMaxWidth": 28,
            }
            for verdict, counts in series.items()
        ],
    }


def day_bars(days: Sequence[date], counts: Sequence[int], *, name: str) -> dict[str, Any]:
    return {
        "grid": _GRID,
        "tooltip": _TIP,
        "xAxis": _days(days),
        "yAxis": _counts(),
        "series": [
            {"name": name, "type": "bar", "data": list(counts), "itemStyle": {"color": ACCENT}, "barMaxWidth": 28},
        ],
    }


def ranking(labels: Sequence[str], counts: Sequence[int], *, name: str) -> dict[str, Any]:
    """Bars from left to right, the longest on top."""
    return {
        "grid": {**_GRID, "right": 48},
        "tooltip": _TIP,
        "xAxis": {**_counts(), "axisLabel": {"hideOverlap": True}},
        "yAxis": {
            "type": "category",
            "inverse": True,
            "data": list(labels),
            "axisTick": {"show": False},
            "axisLine": {"show": False},
            "axisLabel": {"width": 150, "overflow": "truncate", "color": INK},
        },
        "series": [
            {
                "name": name,
                "type": "bar",
                "data": list(counts),
                "itemStyle": {"color": ACCENT},
                "label": {"show": True, "position": "right"},
                "barMaxWidth": 20,
            }
        ],
    }


def _days(days: Sequence[date]) -> dict[str, Any]:
    return {
        "type": "category",
        "data": [f"{day:%m-%d}" for day in days],
        "axisTick": {"show": False},
        "axisLabel": {"hideOverlap": True, "color": INK},
        "axisLine": _FAINT,
    }


def _counts() -> dict[str, Any]:
    return {"type": "value", "minInterval": 1, "splitLine": _FAINT}
