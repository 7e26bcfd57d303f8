"""The frame of our SVG pictures: colours that can be read on light and on dark pages."""
import html

# Strata is blue, in all that it offers, and glibc grey in every picture; the others take the rest in turn.
FIXED = {"strata": "#2383e2", "glibc": "#8f8e8a"}
BLUES = ["#0b4f9e", "#1672d4", "#4d9be6", "#3a4fc4", "#7387ea", "#00a0c8", "#8fbcee"]
COLOURS = ["#d9730d", "#2f9e82", "#9065b0", "#c14c8a", "#b58900", "#448361", "#a0693d", "#d0504f",
           "#5b7fb9", "#6f9e2f", "#7a7fd0", "#3f9fb5"]

STYLE = """<style>
.paper { fill: #ffffff } .ink { fill: #37352f } .soft { fill: #787774 } .grid { stroke: #e3e2e0 }
.live { stroke: #787774 }
@media (prefers-color-scheme: dark) {
.paper { fill: #191919 } .ink { fill: #e6e6e3 } .soft { fill: #a3a29e } .grid { stroke: #3a3a37 }
.live { stroke: #a3a29e }
}
</style>"""


def colours_of(names: list) -> dict:
    ours = [name for name in names if name not in FIXED and name.startswith("strata")]
    others = [name for name in names if name not in FIXED and name not in ours]
    return FIXED | {name: shades[i % len(shades)] for of, shades in ((ours, BLUES), (others, COLOURS))
                    for i, name in enumerate(of)}


def text(x: float, y: float, words: str, style: str = "ink", more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{style}" {more}>{html.escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="grid"/>'


def picture(width: int, height: int, title: str, about: str, parts: list) -> str:
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="12">', STYLE,
        f'<rect width="{width}" height="{height}" class="paper"/>',
        text(16, 24, title, more='font-size="15" font-weight="bold"'),
        text(16, 42, about, "soft"), *parts, "</svg>", ""])


def nice_step(span: float) -> float:
    """A round distance that cuts the span into four to ten parts."""
    step = 1.0
    while span / step > 10:
        step *= 10
    while span / step < 4:
        step /= 2 if f"{step:g}"[0] != "5" else 2.5
    return step
