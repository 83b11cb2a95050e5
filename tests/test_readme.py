"""The README's own numbers, from the committed runs."""

import pandas as pd
from committed import (
    CELLS,
    README,
    against,
    flowing,
    freyfaces,
    printed,
    text_of,
    welch,
)

from workflow import configuration, reference


def test_the_readme_shows_what_the_committed_runs_give():
    """Every number of its table, from the scores and the paper's own numbers."""
    paper, best = printed("freyfaces"), freyfaces("vampprior-500")
    for method, name in CELLS.items():
        ours, theirs = freyfaces(method), paper[method.partition("-")[0]]
        (line,) = [
            x
            for x in text_of(README).splitlines()
            if x.startswith(f"| FreyFaces | {name}")
        ]
        side = f"differs, {'lower' if ours.mean() < theirs.mean else 'higher'}"
        test = against(ours, theirs)
        low, high = test.confidence_interval(0.95)
        assert ours.mean() <= best.mean()
        bold = "**" * bool(welch(ours, best) >= 0.05)  # of the best itself p is 1
        for text in (
            f"| {len(ours)} |",
            f"{bold}{ours.mean():.2f} ± {ours.std():.2f}{bold} |",
            f"{theirs.mean:.2f} ± {theirs.sd:.2f}",
            f"{ours.mean() - theirs.mean:+.2f} [{low:+.2f}, {high:+.2f}] |",
            f"| {test.pvalue:.3f} | {'holds' if test.pvalue >= 0.05 else side} |",
        ):
            assert text in line


def test_the_readme_shows_every_cell_of_the_papers_table_2_and_its_seeds():
    """Those without a run of the paper's dataset as well."""
    names = dict(zip(("standard", "vampprior", "iop"), CELLS.values(), strict=True))
    titles = {
        "mnist": "MNIST",
        "omniglot": "OMNIGLOT",
        "freyfaces": "FreyFaces",
        "histopathology": "Histopathology",
    }
    rows = [x for x in text_of(README).splitlines() if x.count("|") == 9][2:]
    paper = pd.read_csv(reference.FOLDER / "paper.csv")
    for row, theirs in zip(rows, paper.itertuples(), strict=True):
        mixture = theirs.prior == "vampprior"
        method = f"vampprior-{theirs.components:.0f}" if mixture else theirs.prior
        name = f"{names[theirs.prior]}{f', K = {theirs.components:.0f}' * mixture}"
        n = len(reference.seeds(theirs.dataset, method))
        assert row.startswith(f"| {titles[theirs.dataset]} | {name} | {n} | ")
        about, bold = "≈ " * theirs.approximate, "**" * theirs.bold
        number = f"{theirs.mean:.2f} ± {theirs.sd:.2f}"
        assert f"| {about}{bold}{number}{bold} |" in row
        assert row.endswith((" missing |", " stand-in below |")) == (n == 0)


def test_the_readme_says_what_becomes_of_table_1():
    """For OneHot, MNIST and FreyFaces their own data, for the others stand-ins."""
    of = ["dimension", "train", "valid", "test"]
    ours = pd.read_csv(reference.FOLDER / "table1.csv").set_index("dataset")
    theirs = pd.read_csv(reference.FOLDER / "paper_table1.csv").set_index("dataset")
    assert f"data's digest is {ours.loc['onehot', 'digest'][:12]}" in flowing(README)
    place = ours["stand_in_for"].fillna(pd.Series(ours.index, ours.index))
    assert set(place) == set(theirs.index)
    assert set(place[place == place.index]) == {"onehot", "mnist", "freyfaces"}
    for dataset, paper in place.items():
        assert list(ours.loc[dataset, of]) == list(theirs.loc[paper, of])
    words = (
        "**all five rows,** three by construction | OneHot is made; MNIST is the "
        "paper's data, FreyFaces in the copy of the VampPrior's public code. The "
        "stand-ins are cut to the same sizes: OMNIGLOT is rebuilt from its drawings, "
        "for Histopathology stands bone marrow"
    )
    assert words in flowing(README)


def test_the_readme_says_where_table_2_comes_from():
    found, lower = {}, set()
    for dataset in ("freyfaces", "mnist"):
        paths = (reference.FOLDER / f"scores/{dataset}").glob("*.csv")
        scores = pd.concat(pd.read_csv(path) for path in paths)
        assert all("AMD EPYC" in device for device in scores["device"])
        other = scores[scores["precision"] != "float32"]
        lower |= set(other[["dataset", "prior", "precision"]].itertuples(index=False))
        commits = sorted(commit[:12] for commit in set(scores["commit"]))
        found[dataset] = " and ".join(commits)
    assert lower == {("mnist", "vampprior", "bfloat16")}
    words = (
        f"of commits {found['freyfaces']}, MNIST's of {found['mnist']}, on an AMD EPYC "
        "in float32, but in bfloat16 for MNIST's VampPrior"
    )
    assert words in flowing(README), words


def test_the_readme_says_what_a_correction_for_three_tests_would_do():
    paper = printed("freyfaces")
    found = {
        prior: against(freyfaces(method), paper[prior]).pvalue
        for method in CELLS
        for prior in [method.partition("-")[0]]
    }
    corrected, largest = {}, 0.0
    for rank, prior in enumerate(sorted(found, key=found.get)):  # Holm 1979
        largest = max(largest, (3 - rank) * found[prior])
        corrected[prior] = largest
    assert corrected["vampprior"] < 0.05 <= min(corrected["iop"], corrected["standard"])
    words = (
        "(Holm), the VampPrior's difference stands (p = {vampprior:.3f}), the IOP's "
        "does not (p = {iop:.2f})"
    )
    assert words.format_map(corrected) in flowing(README)


def test_the_readme_says_what_if_the_papers_deviations_were_standard_errors():
    found = {}
    for method in CELLS:
        theirs = printed("freyfaces")[method.partition("-")[0]]
        wide = theirs._replace(sd=theirs.sd * 8**0.5)
        found[method] = against(freyfaces(method), wide).pvalue
    assert min(found.values()) >= 0.05
    words = "(p = {vampprior-500:.2f} for the VampPrior, {iop:.2f} for the IOP)"
    assert words.format_map(found) in flowing(README), found


def test_the_readme_says_what_the_paper_takes_at_most():
    """Table 2 with eight seeds of 1,000 epochs, by the seconds of an epoch."""
    alone = pd.read_csv(reference.FOLDER / "speed/epyc-epochs.csv")
    hours = alone.groupby("dataset")["seconds_per_epoch"].sum() * 8 * 1000 / 3600
    words = (
        "{mnist:.0f} core-hours for MNIST, {omniglot-rebuilt:.0f} for the stand-in of "
        "OMNIGLOT, {bone-marrow:.0f} for that of Histopathology and {freyfaces:.0f} "
        "for FreyFaces"
    )
    assert words.format_map(hours) in flowing(README)
    marrow = alone.query("dataset == 'bone-marrow'").set_index("method")
    rest = marrow["seconds_per_epoch"]["vampprior-500"] * 5 * 8 * 1000 / 3600
    assert f"Figure 3's other five K about {rest:.0f}, by" in flowing(README)
    search = configuration.shipped()["search"]
    assert len(search["rates"]) * search["seeds"] / 8 == 0.75


def test_the_readme_says_what_becomes_of_the_claim_of_speed():
    alone = pd.read_csv(reference.FOLDER / "speed/epyc-epochs.csv")
    seconds = alone.query("dataset == 'mnist'").set_index("method")["seconds_per_epoch"]
    ratio = seconds["vampprior-500"] / seconds["iop"]
    gpu = pd.read_csv(reference.FOLDER / "speed/h100-mnist.csv").set_index("method")
    epochs = gpu["seconds_per_epoch"]
    there = epochs["vampprior-500"] / epochs["iop"]
    words = (
        f"an epoch of it takes {ratio:.2f} times as long on a core, {there:.2f} times"
    )
    assert words in flowing(README), words
    text = (configuration.ROOT / "docs/speed.md").read_text()
    words = f"a VampPrior epoch takes {there:.2f} times as long as one of"
    assert words in flowing("docs/speed.md")
    minutes = []
    for method, row in gpu.iterrows():
        epoch, one = row["seconds_per_epoch"], row["seconds_per_epoch"] / row["seeds"]
        minutes.append(f"{epoch * 1000 / 60:.0f}")
        line = (
            f"| {method} | {row['first_epoch_seconds']:.2f} | {epoch:.2f} | {one:.3f}"
        )
        assert f"{line} | {seconds[method] / one:.0f} | {minutes[-1]} min |" in text
    words = (
        "1,000 epochs of MNIST's eight seeds would take {} minutes with the standard "
        "prior, {} with the VampPrior and {} with the IOP"
    )
    assert words.format(*minutes) in flowing(README)
    run = reference.FOLDER / "runs/omniglot-rebuilt/vampprior-1000/seed6/curve.csv"
    took = pd.read_csv(run).set_index("epoch")["seconds"].diff().loc[251:300]
    words = f"K = 1,000 took {took.median():.2f} s for its eight seeds"
    assert words in flowing("docs/speed.md")
