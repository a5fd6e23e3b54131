"""Charts as plain SVG, readable on light and dark pages."""

import math
from collections.abc import Mapping, Sequence
from html import escape

COLOURS = ("#2f6fdb", "#d9822b", "#2e9e5b", "#a14fc0", "#7a7f87", "#c23b4a")
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#1f2328}.title{font-weight:600;font-size:14px}.faint{stroke:#d0d7de}"
    ".one{stroke:#1f2328;stroke-dasharray:4 3}@media(prefers-color-scheme:dark){text{fill:#e6edf3}"
    ".faint{stroke:#3d444d}.one{stroke:#e6edf3}}"
)
_WIDTH = 760

Series = Sequence[tuple[str, Mapping[str, float]]]
Lines = Sequence[tuple[str, Sequence[tuple[float, float]]]]


def bars(title: str, groups: Mapping[str, str], series: Series) -> str:
    """Return a chart of horizontal bars in groups; a dashed line marks 1."""
    most = max(value for _, values in series for value in values.values())
    left, scale = 190, (_WIDTH - 260) / most
    parts, y = [_text(12, 22, title, "title")], 0.0
    parts += _legend([name for name, _ in series], 40)
    y = 52 + 18.0 * math.ceil(len(series) / 3)
    top = y
    for key, name in groups.items():
        shown = [(place, values[key]) for place, (_, values) in enumerate(series) if key in values]
        if not shown:
            continue
        parts.append(_text(left - 10, y + 7.5 * len(shown) + 4, name, anchor="end"))
        for place, value in shown:
            colour, length = COLOURS[place], value * scale
            parts.append(f'<rect x="{left}" y="{y:.1f}" width="{length:.1f}" height="13" fill="{colour}"/>')
            parts.append(_text(left + length + 5, y + 11, f"{value:.2f}"))
            y += 15
        y += 12
    x = left + scale
    parts.append(f'<line class="one" x1="{x:.1f}" x2="{x:.1f}" y1="{top - 6:.1f}" y2="{y - 6:.1f}"/>')
    return _svg(y + 4, title, parts)


def lines(title: str, x_name: str, y_name: str, series: Lines) -> str:
    """Return a chart of lines over a logarithmic x axis; the y axis starts at 0."""
    left, right, top, bottom = 60, _WIDTH - 20, 56 + 18 * math.ceil(len(series) / 3), 400
    xs = sorted({x for _, points in series for x, _ in points})
    highest = _round_up(max(y for _, points in series for _, y in points))
    span = math.log(xs[-1] / xs[0]) or 1.0

    def across(x: float) -> float:
        return left + (right - left) * math.log(x / xs[0]) / span

    def down(y: float) -> float:
        return bottom - (bottom - top) * y / highest

    parts = [_text(12, 22, title, "title"), *_legend([name for name, _ in series], 40)]
    for step in range(5):
        y = highest * step / 4
        parts.append(f'<line class="faint" x1="{left}" x2="{right}" y1="{down(y):.1f}" y2="{down(y):.1f}"/>')
        parts.append(_text(left - 8, down(y) + 4, f"{y:,.4g}", anchor="end"))
    parts += [_text(across(x), bottom + 18, f"{x:,.0f}", anchor="middle") for x in xs]
    parts += [_text((left + right) / 2, bottom + 38, x_name, anchor="middle"), _text(12, top - 10, y_name)]
    for place, (_, points) in enumerate(series):
        path = " ".join(f"{across(x):.1f},{down(y):.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[place]}" stroke-width="2"/>')
        parts += [f'<circle cx="{across(x):.1f}" cy="{down(y):.1f}" r="3" fill="{COLOURS[place]}"/>' for x, y in points]
    return _svg(bottom + 50, title, parts)


def _legend(names: Sequence[str], y: float) -> list[str]:
    parts = []
    for place, name in enumerate(names):
        x, line = 12 + place % 3 * 245, y + place // 3 * 18
        parts.append(f'<rect x="{x}" y="{line - 8:.0f}" width="10" height="10" fill="{COLOURS[place]}"/>')
        parts.append(_text(x + 16, line + 1, name))
    return parts


def _text(x: float, y: float, words: str, style: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{style}" text-anchor="{anchor}">{escape(words)}</text>'


def _round_up(value: float) -> float:
    unit: float = 10 ** math.floor(math.log10(value))
    return next(step * unit for step in (1, 2, 4, 5, 8, 10) if step * unit >= value)


def _svg(height: float, title: str, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" role="img">'
    return "\n".join([head, f"<title>{escape(title)}</title><style>{_STYLE}</style>", *parts, "</svg>"]) + "\n"
