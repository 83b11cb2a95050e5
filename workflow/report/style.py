"""The look of every figure: colours, label, footer, and files with stable bytes."""

import textwrap
from collections.abc import Iterable
from pathlib import Path
from string import ascii_lowercase

import matplotlib
from matplotlib.figure import Figure

from models.files import replacing
from workflow.methods import METHODS
from workflow.report.reading import BadInput

RC = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": False,  # a minus that can be searched in the SVG
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "iop-repro",
    "pdf.fonttype": 42,
}
# Told apart with every common colour blindness, and in gray: their lightness (CIE L*)
# is about 24, 43, 63 and 82.
COLOURS = ("#332288", "#117733", "#e0747c", "#ddcc66")
MARKERS = ("o", "^", "s", "D")
# Lines of the methods: all dark enough for a thin line on white.
COLOUR = {
    "standard": "#555555",
    "avb": "#117733",
    "vampprior": "#332288",
    "iop": "#d1495b",
}
LETTER = dict(zip(METHODS, ascii_lowercase, strict=False))
# What a kind of file calls a description, and what it would say of the hour or of its
# maker by itself: nothing in a file may depend on these.
METADATA = {
    ".png": ("Description", "Software"),
    ".pdf": ("Subject", "CreationDate"),
    ".svg": ("Description", "Date"),
}
SMALL = 6.5

styled = matplotlib.rc_context(RC)


def blank(width: float, height: float) -> Figure:
    """An empty figure of so many inches, without pyplot's global state."""
    return Figure(figsize=(width, height), layout="constrained")


def _wrapped(text: str, width: float, size: float) -> list[str]:
    # a letter of the sans-serif font is on average half its size wide, some are wider
    return textwrap.wrap(text, int(width * 72 / (0.54 * size))) if text else []


def frame(
    figure: Figure, title: str, label: str, footer: str, legend: float = 0
) -> float:
    """Write title and label above the panels and the footer below them.

    legend: inches to keep free between the panels and the footer. Returns the
    footer's upper edge as a share of the figure's height, where a legend may stand.
    """
    width, height = figure.get_size_inches()
    gap, y = 0.06, height - 0.06
    for lines, size, look in (
        (_wrapped(title, width, 10), 10, {}),
        (
            _wrapped(label, width, 9 * 1.1),  # bold letters are wider
            9,
            {"weight": "bold", "color": "#8a1c1c"},
        ),
    ):
        if lines:
            text = "\n".join(lines)
            figure.text(
                0.5,
                y / height,
                text,
                ha="center",
                va="top",
                fontsize=size,
                parse_math=False,  # a label's dollar sign is one
                **look,
            )
            y -= len(lines) * 1.3 * size / 72 + gap
    below = _wrapped(footer, width - 0.2, SMALL)
    if below:
        figure.text(
            0.1 / width,
            0.05 / height,
            "\n".join(below),
            va="bottom",
            fontsize=SMALL,
            color="#444444",
            parse_math=False,
        )
    bottom = 0.05 + len(below) * 1.3 * SMALL / 72
    rest = bottom + legend + gap
    figure.get_layout_engine().set(rect=(0, rest / height, 1, (y - rest) / height))
    return bottom / height


def grid(figure: Figure, panels: int, **options) -> list:
    """Axes of ``panels`` panels, two a row from three on; ``options`` of subplots."""
    columns = 2 if panels > 2 else panels
    rows = -(-panels // columns)
    axes = list(figure.subplots(rows, columns, squeeze=False, **options).flat)
    for spare in axes[panels:]:
        spare.remove()
    return axes[:panels]


def caption(method: str, note: str = "") -> str:
    """A panel's title with the paper's letter, which stays when a panel is left out."""
    return f"({LETTER[method]}) {METHODS[method]}{note}"


@styled
def save(figure: Figure, paths: Iterable[str]) -> None:
    """Write PNG (200 dots an inch), PDF or SVG, by each path's suffix.

    What the figure says beside its axes, where its runs come from among it, is the
    file's description, too.
    """
    words = "\n".join(" ".join(text.get_text().split()) for text in figure.texts)
    for path in paths:
        suffix = Path(path).suffix
        if suffix not in METADATA:
            raise BadInput(f"--output is {path}, expected {', '.join(METADATA)}")
        description, unsaid = METADATA[suffix]
        metadata = {description: words, unsaid: None}
        with replacing(path) as temporary:
            figure.savefig(temporary, dpi=200, metadata=metadata)


def add_output(parser) -> None:
    """The argument that every figure takes."""
    parser.add_argument(
        "--output", nargs="+", required=True, metavar="FILE", help=".png, .pdf, .svg"
    )
