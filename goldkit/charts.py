"""Charts as SVG, drawn when the page is made: no script, and colours that are the page's CSS variables.

Each is drawn twice, for wide and narrow places, since a picture that shrinks makes its letters too small.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import altair as alt
import vl_convert
from markupsafe import Markup

Row = dict[str, Any]
Drawing = alt.LayerChart | alt.FacetChart  # what Altair says of layers

COLORS = ("var(--one)", "var(--two)", "var(--three)", "var(--four)")
WIDTHS = {"wide": 540, "narrow": 320}
HEIGHT = 220
AMOUNT = "format(datum.value, abs(datum.value) < 1000 ? '~r' : '~s')"  # 0.5, 200, 4k
THEME = {
    "background": "transparent",
    "font": "sans-serif",
    "aria": False,
    "view": {"stroke": None},
    "axis": {
        "domain": False,
        "ticks": False,
        "title": None,
        "gridColor": "var(--line)",
        "labelColor": "var(--muted)",
        "labelFontSize": 11,
        "labelPadding": 6,
        "labelLimit": 110,
    },
    "text": {"color": "var(--ink)", "fontSize": 11},
    "scale": {"barBandPaddingInner": 0.25, "rectBandPaddingInner": 0.06},
}


def timeline(rows: Sequence[Row], series: Sequence[str], mark: str) -> Markup:
    """Bars on top of each other, or lines: a row lasts from `start` to `until`, and `series` are its columns."""
    values = [{**row, "value": row[column], "series": column} for row in rows for column in series]
    days = "%-d %b" if rows[0]["start"][:4] == rows[-1]["start"][:4] else "%b %Y"

    def draw(width: int) -> Drawing:
        scale = alt.Scale(type="utc", nice=False)
        axis = alt.Axis(format=days, grid=False, tickCount=width // 80, labelOverlap=True)
        color = alt.Color("series:N", scale=alt.Scale(domain=series, range=COLORS[: len(series)]), legend=None)
        chart = _chart("values").encode(y=_amount(), color=color)
        if mark == "bar":
            x, order = alt.X("start:T", scale=scale, axis=axis), alt.Order("series:N", sort="ascending")
            gap = min(2.0, width / len(rows) / 6)
            bars = chart.mark_bar(orient="vertical", stroke="var(--card)", strokeWidth=gap)
            shown = bars.encode(x=x, x2="until", order=order)
        else:
            x = alt.X("middle:T", scale=scale, axis=axis)
            middle = "(time(toDate(datum.start)) + time(toDate(datum.until))) / 2"
            line = chart.mark_line(strokeWidth=2, point=len(rows) == 1)
            shown = line.transform_calculate(middle=middle).encode(x=x)
        return alt.layer(shown, _hits().encode(x=alt.X("start:T", scale=scale, axis=axis), x2="until"))

    return _svg(draw, rows, values=values)


def histogram(rows: Sequence[Row]) -> Markup:
    """Bars of `value`, from `start` to `until` of a number."""

    def draw(width: int) -> Drawing:
        axis = alt.Axis(labelExpr=AMOUNT, grid=False, tickCount=width // 60)
        x = alt.X("start:Q", scale=alt.Scale(nice=False), axis=axis)
        bars = _chart().mark_bar(orient="vertical", color=COLORS[0], stroke="var(--card)", strokeWidth=1)
        return alt.layer(bars.encode(x=x, x2="until", y=_amount()), _hits().encode(x=x, x2="until"))

    return _svg(draw, rows)


def columns(rows: Sequence[Row]) -> Markup:
    """A bar of `value` for each `name`, from left to right. The axis leaves years out of the names."""

    def draw(width: int) -> Drawing:
        label = "replace(datum.label, regexp(' [0-9]{4},'), '')"
        axis = alt.Axis(labelExpr=label, labelAngle=0, labelOverlap=True, labelSeparation=12, grid=False)
        x = alt.X("name:N", sort=None, axis=axis)
        bars = _chart().mark_bar(color=COLORS[0], width={"band": 0.75})
        return alt.layer(bars.encode(x=x, y=_amount()), _hits().encode(x=x))

    return _svg(draw, rows)


def ranking(rows: Sequence[Row]) -> Markup:
    """A bar of `value` for each `name`, from top to bottom, with its `label` at the end."""

    def draw(width: int) -> Drawing:
        # Room for the labels.
        most = max(row["value"] for row in rows) * width / (width - 110)
        x = alt.X("value:Q", axis=None, scale=alt.Scale(domain=[0, most or 1]))
        y = alt.Y("name:N", sort=None, axis=alt.Axis(labelColor="var(--ink)"))
        chart = _chart().encode(x=x, y=y)
        bars = chart.mark_bar(color=COLORS[0])
        labels = chart.mark_text(align="left", dx=6, color="var(--muted)").encode(text="label:N")
        return alt.layer(bars, labels, _hits().encode(y=y))

    return _svg(draw, rows)


def heatmap(rows: Sequence[Row]) -> Markup:
    """A cell of `value` for each `name` and `age`. Its depth is its opacity, so that letters can be read on it."""

    def draw(width: int) -> Drawing:
        x = alt.X("age:O", axis=alt.Axis(orient="top", labelAngle=0, grid=False))
        y = alt.Y("name:N", sort=None, axis=alt.Axis(labelColor="var(--ink)", grid=False))
        depth = alt.FillOpacity("value:Q", scale=alt.Scale(range=[0.08, 0.6], zero=True), legend=None)
        chart = _chart().encode(x=x, y=y)
        layers = [chart.mark_rect(color=COLORS[0]).encode(fillOpacity=depth)]
        if width // (len({row["age"] for row in rows}) + 2) > 36:
            layers.append(chart.mark_text().encode(text=alt.Text("label:N")))
        return alt.layer(*layers, _hits().encode(x=x, y=y))

    return _svg(draw, rows)


def _amount() -> alt.Y:
    return alt.Y("value:Q", scale=alt.Scale(nice=4), axis=alt.Axis(labelExpr=AMOUNT, tickCount=4))


def _hits() -> alt.Chart:
    """What the pointer meets: each row's whole column, which carries its `tip`. The page's CSS colours it."""
    hits: alt.Chart = _chart().mark_rect().encode(description=alt.Description("tip:N"))
    return hits


def _chart(name: str = "rows") -> alt.Chart:
    """A chart whose rows come later: Altair would check each value of each row."""
    return alt.Chart(alt.NamedData(name))


def _svg(draw: Callable[[int], Drawing], rows: Sequence[Row], **more: Sequence[Row]) -> Markup:
    """The chart in each width; nothing without rows. Its page gives the picture as a whole a text, not its parts."""
    data = {
        name: [{key: value for key, value in row.items() if isinstance(value, (str, int, float))} for row in some]
        for name, some in {"rows": rows, **more}.items()
    }
    drawings = []
    for name, width in WIDTHS.items() if rows else ():
        chart = draw(width).properties(
            width=width, height=HEIGHT, autosize=alt.AutoSizeParams(type="fit", contains="padding"), padding=0
        )
        svg = vl_convert.vegalite_to_svg({**chart.to_dict(), "config": THEME, "datasets": data})
        svg = re.sub(r' (role|aria-roledescription|aria-hidden|class)="[^"]*"', "", svg)
        svg = re.sub(r"(\.\d\d)\d+", r"\1", svg).replace(' aria-label="', ' data-tip="')
        drawings.append(f'<div class="{name}">{svg}</div>')
    return Markup("".join(drawings))
