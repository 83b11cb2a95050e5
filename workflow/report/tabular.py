"""A grid of text as Markdown or LaTeX."""

import re
from collections.abc import Collection, Iterable

ABSENT = "\N{EN DASH}"
# Signs of this project's notes that LaTeX's default fonts may lack.
_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "≈": r"$\approx$",
    "±": r"$\pm$",
    ABSENT: "--",
}


def number(value: float | None, form: str = "{:.2f}") -> str:
    """A number as text, a dash for none."""
    return ABSENT if value is None else form.format(value)


def spread(mean: float, sd: float | None, form: str = "{:.2f}") -> str:
    """A mean ± its deviation, where there is one."""
    return form.format(mean) + ("" if sd is None else f" ± {form.format(sd)}")


def p_value(value: float | None) -> str:
    """A p as text, a dash for none."""
    return "< 0.001" if value is not None and value < 0.001 else number(value, "{:.3f}")


def listed(lines: Iterable[str]) -> str:
    """Lines as a Markdown list."""
    return "\n".join(f"- {line}" for line in lines)


def escape(text: str) -> str:
    """Plain text as LaTeX."""
    return re.sub(
        "|".join(map(re.escape, _LATEX)), lambda found: _LATEX[found[0]], text
    )


def _padded(grid: list[list[str]], left: Collection[int]) -> list[list[str]]:
    """Pad to equal widths; the columns ``left`` to the left, the others right."""
    # a rule of a Markdown table has three signs at least
    widths = [max(3, *map(len, column)) for column in zip(*grid, strict=True)]
    return [
        [
            text.ljust(width) if place in left else text.rjust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in grid
    ]


def markdown(
    header: list[str], rows: list[list[str]], left: Collection[int] = (0,)
) -> str:
    """A pipe table, aligned in its source too; ``left``: columns of words."""
    grid = [[text.replace("|", r"\|") for text in row] for row in [header, *rows]]
    padded = _padded(grid, left)
    rule = [
        "-" * len(text) if place in left else "-" * (len(text) - 1) + ":"
        for place, text in enumerate(padded[0])
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in [padded[0], rule, *padded[1:]])


def latex(
    header: list[str],
    rows: list[list[str]],
    caption: str,
    mark: str,
    notes: list[str],
) -> str:
    r"""A ``table`` that needs no package; only ``rows`` may hold LaTeX.

    caption, header and notes are plain text; mark is the key of ``\label``.
    """
    columns = "l" + "r" * (len(header) - 1)
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escape(caption)}}}",
        rf"\label{{{mark}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\hline",
        " & ".join(map(escape, header)) + r" \\",
        r"\hline",
        *(" & ".join(row) + r" \\" for row in rows),
        r"\hline",
        r"\end{tabular}",
    ]
    if notes:
        lines += ["", r"\smallskip", r"\footnotesize", escape(" ".join(notes))]
    return "\n".join([*lines, r"\end{table}"])
