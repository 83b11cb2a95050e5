"""What benchmarks.speed shows: its rows as CSV, as a table and as bars."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.files import replacing

COLUMNS = (
    "method likelihood mode engine_seconds plain_seconds ratio_min ratio_median "
    "ratio_max rounds overhead gigaflop gigabyte gigaflop_per_second "
    "gigabyte_per_second matmul_ceiling copy_ceiling products seeds images device "
    "torch commit"
).split()
NUMBERS = COLUMNS[COLUMNS.index("engine_seconds") : COLUMNS.index("products")]


def write_csv(path: Path, rows: list[dict], columns: Sequence[str]) -> None:
    """Write rows; a reader never sees a half-written file."""
    with replacing(path) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_text(path: Path, text: str) -> None:
    """Write text, with a line's end behind it."""
    with replacing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def plot(rows: list[dict], path: Path) -> None:
    """Seconds of each side, the ratio on top of each mode of the engine."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    modes = list(dict.fromkeys(row["mode"] for row in rows))
    groups = [rows[i : i + len(modes)] for i in range(0, len(rows), len(modes))]
    width = 0.8 / (1 + len(modes))
    colours = ["#88ccee", "#44aa99", "#117733", "#999933", "#332288", "#aa4499"]
    places = np.arange(len(groups))
    plain = [group[0]["plain_seconds"] for group in groups]
    axes.bar(places, plain, width, label="plain eager code", color="#bbbbbb")
    for k, mode in enumerate(modes):
        height = [group[k]["engine_seconds"] for group in groups]
        at = places + (k + 1) * width
        axes.bar(at, height, width, label=f"engine, {mode}", color=colours[k])
        for place, group in zip(at, groups, strict=True):
            text, top = f"{group[k]['ratio_median']:.1f}", group[k]["engine_seconds"]
            axes.annotate(
                text, (place, top), ha="center", va="bottom", fontsize="small"
            )
    names = [f"{group[0]['method']}\n{group[0]['likelihood']}" for group in groups]
    axes.set_xticks(places + width * len(modes) / 2, names)
    axes.set_ylabel("seconds for a seed's epoch of 50,000 images")
    axes.set_title(
        f"{rows[0]['device']}, torch {rows[0]['torch']}; on the bars: "
        "times faster than plain code",
        fontsize="medium",
    )
    axes.legend(loc="upper left")  # above the standard prior, the lowest bars
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=150)


def markdown(rows: list[dict]) -> str:
    """The rows, as speed.csv has them, as a table for a reader."""
    lines = [
        "| method | likelihood | mode | seconds | plain | ratio (min to max) | GFLOP | "
        "of products | of copies | overhead |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        r = {key: float(row[key]) for key in NUMBERS}
        lines.append(
            f"| {row['method']} | {row['likelihood']} | {row['mode']} "
            f"| {r['engine_seconds']:.2f} | {r['plain_seconds']:.2f} "
            f"| {r['ratio_median']:.2f} ({r['ratio_min']:.2f} to {r['ratio_max']:.2f}) "
            f"| {r['gigaflop']:.0f} "
            f"| {r['gigaflop_per_second'] / r['matmul_ceiling']:.0%} "
            f"| {r['gigabyte_per_second'] / r['copy_ceiling']:.0%} "
            f"| {r['overhead']:.1%} |"
        )
    one = rows[0]
    ceilings = ", ".join(
        f"{precision} {float(ceiling):.0f}"
        for precision, ceiling in {
            row["mode"].split()[0]: row["matmul_ceiling"] for row in rows
        }.items()
    )
    seeds = "one seed" if int(one["seeds"]) == 1 else f"{one['seeds']} seeds"
    return "\n".join(
        [
            *lines,
            "",
            f"{one['device']}, torch {one['torch']}, commit {one['commit']}; {seeds}, "
            f"{one['rounds']} rounds of {int(one['images']):,} images. Ceilings: "
            f"products {ceilings} GFLOP/s, "
            f"copies {float(one['copy_ceiling']):.1f} GB/s.",
        ]
    )
