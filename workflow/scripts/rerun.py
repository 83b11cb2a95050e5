"""Whether committed runs come out again: runs of one's own beside them, seed by seed.

``python -m workflow.scripts.rerun --results results/paper freyfaces/standard ...`` says
of each seed that both have whether its scores are equal to the last bit, else how far
they are apart and what was not alike. Status 1: they differ though all was alike.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

from workflow.reference import FOLDER
from workflow.report import reading, scores, selection, statistics, tabular
from workflow.report.reading import BadInput
from workflow.report.variants import MADE

KEY = ["split", "metric", "samples"]
DIGESTS = ("settings", "data")


def compared(results: Path, pair: tuple[str, str], folder: Path = FOLDER) -> list[dict]:
    """A row for each seed of a pair that a results folder shares with the committed.

    Raises BadInput where there is none, or where settings or data are others.
    """
    paths = [root / "scores" / pair[0] / f"{pair[1]}.csv" for root in (results, folder)]
    mine, theirs = (scores.read([path]) for path in paths)
    shared = sorted(set(mine["seed"]) & set(theirs["seed"]))
    if not shared:
        raise BadInput(f"{paths[0]}: no seed of {paths[1]}, expected one or more")
    return [
        {"seed": seed}
        | _scores([frame[frame["seed"] == seed] for frame in (mine, theirs)], paths)
        | {"unlike": _unlike(pair, seed, results, folder)}
        for seed in shared
    ]


def _scores(sides: list[pd.DataFrame], paths: list[Path]) -> dict:
    """How many scores both sides have of a seed, how many differ, and Table 2's."""
    for what in DIGESTS:
        mine, theirs = (", ".join(sorted(set(of[f"{what}_digest"]))) for of in sides)
        if mine != theirs:
            raise BadInput(
                f"{paths[0]}: of other {what} than {paths[1]}, digest {mine}, expected "
                f"{theirs}"
            )
    joined = pd.concat([of.set_index(KEY)["value"] for of in sides], axis=1).dropna()
    if joined.empty:
        raise BadInput(f"{paths[0]}: no score of {paths[1]}, expected one or more")
    values = joined.set_axis(["mine", "theirs"], axis=1)
    table2 = values.query("split == 'test' and metric == 'log_likelihood'")
    return {
        "scores": len(values),
        "differ": int((values["mine"] != values["theirs"]).sum()),
        "values": None if table2.empty else tuple(table2.iloc[0]),
    }


def _unlike(pair, seed: int, *roots: Path) -> list[str]:
    """What the records of a seed say that was not alike, the committed one's last."""
    facts = []
    for root in roots:
        path = root / "runs" / pair[0] / pair[1] / f"seed{seed}" / "record.json"
        with reading.record(path) as record:
            found = {key: record[key] for key in MADE} | record["versions"]
            # one device's name may stand for several kinds; older records do not tell
            facts.append(found | {"processor": record.get("processor", "unknown")})
    return [
        f"{key} {facts[0].get(key)}, committed {facts[1].get(key)}"
        for key in facts[1]
        if facts[0].get(key) != facts[1].get(key)
    ]


def words(pair: tuple[str, str], rows: list[dict]) -> list[str]:
    """A line a seed, and one on the means where seeds differ."""
    lines, name = [], "/".join(pair)
    for row in rows:
        line = f"{name} seed {row['seed']}: "
        if not row["differ"]:
            lines.append(f"{line}{row['scores']} scores, equal to the last bit")
            continue
        line += f"{row['differ']} of {row['scores']} scores differ"
        if row["values"]:
            mine, theirs = row["values"]
            line += f", test log-likelihood {mine:.6f}, committed {theirs:.6f}"
        lines.append(f"{line}; {'; '.join(row['unlike']) or 'all else was alike'}")
    values = [row["values"] for row in rows if row["values"]]
    if len(values) > 1 and any(row["differ"] for row in rows):
        mine, theirs = (statistics.summarise(of) for of in zip(*values, strict=True))
        test = statistics.welch(mine, theirs)
        lines.append(
            f"{name}: mean {mine}, committed {theirs}, p = {tabular.p_value(test.p)}"
        )
    return lines


@reading.one_line_errors
def main(argv=None):
    """Print what came out again."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True, help="results/NAME")
    parser.add_argument("--reference", type=Path, default=FOLDER)
    parser.add_argument(
        "pairs", nargs="+", type=selection.pair, metavar="DATASET/METHOD"
    )
    args = parser.parse_args(argv)
    failed = False
    for pair in args.pairs:
        rows = compared(args.results, pair, args.reference)
        print("\n".join(words(pair, rows)))
        failed |= any(row["differ"] and not row["unlike"] for row in rows)
    if failed:
        sys.exit("rerun: scores differ though settings, data and device do not")


if __name__ == "__main__":
    main()
