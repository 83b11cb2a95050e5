"""The README's numbers of FreyFaces and speed, from the committed runs."""

import json

import numpy as np
import pandas as pd
from committed import CELLS, flowing, freyfaces, readme, said
from scipy import stats

from workflow.scripts import configuration, reference, tabular


def against(ours, theirs):
    """Welch's test against eight values with the paper's mean and deviation."""
    shape = np.arange(8) - 3.5
    like = theirs.mean + theirs.sd * shape / shape.std(ddof=1)
    return stats.ttest_ind(ours, like, equal_var=False)


def test_the_readme_shows_what_the_committed_runs_give():
    """Every number of its table, from the scores and the paper's own numbers."""
    paper = pd.read_csv(reference.FOLDER / "paper.csv")
    for method, name in CELLS.items():
        ours = freyfaces(method)
        prior = method.partition("-")[0]
        (theirs,) = paper[
            (paper["dataset"] == "freyfaces") & (paper["prior"] == prior)
        ].itertuples()
        (line,) = [
            x for x in readme().splitlines() if x.startswith(f"| FreyFaces | {name}")
        ]
        side = "lower" if ours.mean() < theirs.mean else "higher"
        test = against(ours, theirs)
        low, high = test.confidence_interval(0.95)
        for text in (
            f"| {len(ours)} |",
            f"{ours.mean():.2f} ± {ours.std():.2f}",
            f"{theirs.mean:.2f} ± {theirs.sd:.2f}",
            f"{ours.mean() - theirs.mean:+.2f} [{low:+.2f}, {high:+.2f}] |",
            f"| {test.pvalue:.3f} | {'holds' if test.pvalue >= 0.05 else side} |",
        ):
            assert text in line


def test_the_readme_shows_the_seed_of_mnist_and_how_its_runs_end():
    scores = reference.FOLDER / "scores/mnist/standard.csv"
    rows = pd.read_csv(scores).query("split == 'test' and metric == 'log_likelihood'")
    (ours,), (kept,), (last,) = rows["value"], rows["epoch"], rows["epochs"]
    paper = pd.read_csv(reference.FOLDER / "paper.csv").query("dataset == 'mnist'")
    theirs = paper.set_index("prior").loc["standard"]
    line = f"| {ours:.2f} | {theirs['mean']:.2f} ± {theirs['sd']:.2f} | "
    assert f"| MNIST | standard | 1 {line}{ours - theirs['mean']:+.2f} |" in readme()
    ends = pd.read_csv(reference.FOLDER / "diverged.csv")
    assert set(zip(ends["dataset"], ends["method"], strict=True)) == {
        ("mnist", "standard")
    }
    assert rows["diverged"].all()
    assert last == ends[ends["weights_kept"]]["diverged_at"].item()
    gone = ends[~ends["weights_kept"]]
    assert len(gone) == 8
    low, high = gone["diverged_at"].min(), gone["diverged_at"].max()
    assert f"diverged at epoch {last}; epoch {kept} is kept" in flowing()
    assert f"Eight seeds on a GPU diverged as well (at {low} to {high})" in flowing()
    protocol = (configuration.ROOT / "docs/protocol.md").read_text()
    assert f"nine of nine runs with the standard prior diverged after {low} to" in (
        protocol
    )
    assert f"to {high} epochs, in float32 on a CPU as in TF32 on a GPU" in protocol
    curve = pd.read_csv(reference.FOLDER / "runs/mnist/standard/seed0/curve.csv")
    before, there, after = curve.set_index("epoch")["train_reconstruction"].loc[739:741]
    assert f"falls from {before:.0f} to {there:.0f} nats and is back" in protocol
    assert abs(after - before) < 1


def test_the_readme_says_which_cells_hold_at_the_other_rate():
    paper = pd.read_csv(reference.FOLDER / "paper.csv").query("dataset == 'freyfaces'")
    words_of = {"iop": "the IOP holds: ", "standard": "the standard VAE, "}
    for method, words in words_of.items():
        ours = freyfaces(method, kind="variants/rate3e-4/scores")
        (theirs,) = paper[paper["prior"] == method].itertuples()
        test = against(ours, theirs)
        low, high = test.confidence_interval(0.95)
        gap = f"{ours.mean() - theirs.mean:+.2f} [{low:+.2f}, {high:+.2f}]"
        assert f"{words}{gap}, p = {test.pvalue:.3f}" in flowing()
        assert test.pvalue >= 0.05


def test_the_readme_says_what_the_paper_takes_at_most():
    """Table 2 with eight seeds of 1,000 epochs, by the seconds of an epoch."""
    alone = pd.read_csv(reference.FOLDER / "speed/epyc-epochs.csv")
    hours = alone.groupby("dataset")["seconds_per_epoch"].sum() * 8 * 1000 / 3600
    words = (
        "{mnist:.0f} core-hours for MNIST, {omniglot-rebuilt:.0f} for OMNIGLOT, "
        "{bone-marrow:.0f} for the stand-in of Histopathology and {freyfaces:.0f} for "
        "FreyFaces"
    )
    assert words.format_map(hours) in flowing()
    search = configuration.check({})["search"]
    assert len(search["rates"]) * search["seeds"] / 8 == 0.75


def test_the_readme_says_how_the_priors_lie_apart():
    """Beside the paper's own numbers, typed here from its Table 2."""
    printed = {
        "standard": (1382.53, 3.57),
        "vampprior-500": (1392.62, 6.25),
        "iop": (1396.27, 2.75),
    }
    ours = {method: freyfaces(method) for method in CELLS}
    shifts = []
    for high, low, words in (
        ("vampprior-500", "standard", "it lies {:+.1f} above the standard VAE"),
        ("iop", "vampprior-500", "the IOP {:+.1f} from the VampPrior"),
        ("iop", "standard", "{:+.1f} from the standard VAE"),
    ):
        text = words.format(ours[high].mean() - ours[low].mean())
        theirs = printed[high][0] - printed[low][0]
        assert f"{text} (paper {theirs:+.1f})" in flowing()
        variances = [ours[m].var() / 8 for m in (high, low)]
        variances += [printed[m][1] ** 2 / 8 for m in (high, low)]
        df = 7 * sum(variances) ** 2 / sum(v**2 for v in variances)  # Satterthwaite
        shift = ours[high].mean() - ours[low].mean() - theirs
        shifts.append(2 * stats.t.sf(abs(shift) / sum(variances) ** 0.5, df))
        p = stats.ttest_ind(ours[high], ours[low], equal_var=False).pvalue
        told = stats.ttest_ind_from_stats(*printed[high], 8, *printed[low], 8, False)
        if (high, low) == ("iop", "standard"):
            assert f"which may be chance (p = {p:.2f})" in flowing()
            assert p >= 0.05
        else:
            assert p < 0.05
        if (high, low) == ("iop", "vampprior-500"):
            assert f"(p = {told.pvalue:.2f} by its printed numbers)" in flowing()
            assert told.pvalue >= 0.05
        else:
            assert told.pvalue < 0.05
    first, second, third = shifts
    assert second < 0.001
    words = (
        f"(p = {first:.3f} and p < 0.001), the third may be the same (p = {third:.2f})"
    )
    assert words in flowing()


def test_the_readme_says_how_safe_the_choice_of_rates_is():
    usual = {}
    for rate in ("0.0003", "0.001"):
        place = reference.FOLDER / "search/freyfaces/iop" / f"rate{rate}"
        medians = []
        for path in place.glob("seed*/record.json"):
            best = json.loads(path.read_text())["epoch"]
            curve = pd.read_csv(path.with_name("curve.csv")).set_index("epoch")
            medians.append(curve["valid_elbo"].loc[best - 50 : best + 50].median())
        usual[rate] = np.mean(medians)
    words = f"3e-4 leads ({usual['0.0003']:.1f} against {usual['0.001']:.1f})"
    assert words in flowing()


def test_the_readme_says_what_other_choices_gave():
    scores = {
        "| 1e-3, the VampPrior 3e-4 | 150": ("scores", "scores", "audit"),
        "| 3e-4 | 150": (
            "variants/rate3e-4/scores",
            "scores",
            "variants/rate3e-4/audit",
        ),
        "| 1e-3 | 50": ("variants/patience50/scores",) * 2 + (None,),
    }
    by_rate = {}
    for start, (kind, of_vampprior, audit) in scores.items():
        standard, ours = (freyfaces(m, kind=kind) for m in ("standard", "iop"))
        vamp, normal = freyfaces("vampprior-500", kind=of_vampprior), None
        if audit:
            normal = ours - freyfaces("iop", "prior", "log_normaliser", audit)
        by_rate[start] = standard, vamp, ours, normal
        texts = [
            tabular.ABSENT if of is None else f"{of.mean():.2f} ± {of.std():.2f}"
            for of in by_rate[start]
        ]
        assert all(of is None or len(of) == 8 for of in by_rate[start])
        assert f"{start} | {' | '.join(texts)} |" in flowing()
    standard, vamp, ours, normal = by_rate["| 3e-4 | 150"]
    for of, than, words in (
        (
            ours,
            vamp,
            "the IOP as scored does not differ significantly from the VampPrior ({})",
        ),
        (normal, vamp, "it lies below the VampPrior ({})"),
        (normal, standard, "and above the standard VAE of that rate ({})"),
    ):
        p = stats.ttest_ind(of, than, equal_var=False).pvalue
        assert words.format(said(p)) in flowing()
        assert (p >= 0.05) == ("not differ" in words)
    assert standard.mean() < normal.mean() < vamp.mean()


def test_the_readme_says_how_far_the_committed_freyfaces_runs_swing():
    deviations, leads = [], []
    for method in CELLS:
        runs = reference.FOLDER / "runs/freyfaces" / method
        curves = [pd.read_csv(path) for path in sorted(runs.glob("seed*/curve.csv"))]
        best = [
            json.loads(path.read_text())["best_valid_elbo"]
            for path in sorted(runs.glob("seed*/record.json"))
        ]
        last = [curve["valid_elbo"].tail(100) for curve in curves]
        deviations.append(np.mean([elbo.std() for elbo in last]))
        leads.append(np.mean([b - e.mean() for b, e in zip(best, last, strict=True)]))
        anew = freyfaces(method, "valid", "elbo")
        assert 0 < np.mean(best) - anew.mean() < 1
    for words, values in (
        ("a standard deviation of {:.0f} to {:.0f}, on average over a", deviations),
        ("that is kept lies {:.0f} to {:.0f} above their mean", leads),
    ):
        assert words.format(min(values), max(values)) in flowing()
    assert "(scored anew it loses less than 1)" in flowing()


def short(values):
    """By prior, without K."""
    return {method.partition("-")[0]: value for method, value in values.items()}


def test_the_readme_says_what_the_audit_of_freyfaces_found():
    """What ours normalised differs by, with Welch's p; the nats that remain; S."""
    audited = {
        method: {
            metric: freyfaces(method, split, metric, "audit")
            for split, metric in (
                ("prior", "log_normaliser"),
                ("train", "mean_ratio"),
                ("train", "kl_aggregated"),
            )
        }
        for method in CELLS
    }
    integral = audited["iop"]["log_normaliser"]
    assert f"(ln Z = {integral.mean():.1f} ± {integral.std():.1f})" in flowing()
    tested = {m: freyfaces(m) for m in CELLS}
    ours = tested["iop"] - integral
    for method, name in (("standard", "standard VAE"), ("vampprior-500", "VampPrior")):
        p = stats.ttest_ind(ours, tested[method], equal_var=False).pvalue
        gap = ours.mean() - tested[method].mean()
        words = f"{gap:+.1f} from the {name} ("
        assert words + ("p < 0.001)" if p < 0.001 else f"p = {p:.2f})") in flowing()
    exact = {m: of["kl_aggregated"].mean() for m, of in audited.items()}
    found = {m: of["mean_ratio"].mean() for m, of in audited.items()}
    found["iop"] -= integral.mean()
    left = {m: exact[m] - found[m] for m in CELLS}
    for words in (
        "KL(q(z) ‖ N(0, I)) is {standard:.1f} in the standard VAE, {iop:.1f} with the "
        "IOP and {vampprior:.1f} with the VampPrior".format(**short(exact)),
        "the IOP, normalised, accounts for {iop:.1f} and the VampPrior for "
        "{vampprior:.1f}:".format(**short(found)),
        "{standard:.1f}, {iop:.1f} and {vampprior:.1f} remain".format(**short(left)),
    ):
        assert words in flowing()
    gains = []
    for method, few in tested.items():
        table = pd.read_csv(reference.FOLDER / f"audit/freyfaces/{method}.csv")
        many = table.query("metric == 'log_likelihood' and samples == 1000")
        gains.append(many["value"].mean() - few.mean())
    words = f"every prior gains {min(gains):.0f} to {max(gains):.0f}."
    assert words in flowing()


def test_the_readme_says_what_becomes_of_the_claim_of_speed():
    alone = pd.read_csv(reference.FOLDER / "speed/epyc-epochs.csv")
    seconds = alone.query("dataset == 'mnist'").set_index("method")["seconds_per_epoch"]
    ratio = seconds["iop"] / seconds["vampprior-500"]
    gpu = pd.read_csv(reference.FOLDER / "speed/h100-mnist.csv").set_index("method")
    epochs = gpu["seconds_per_epoch"]
    there = epochs["iop"] / epochs["vampprior-500"]
    words = (
        f"an epoch of the IOP takes {ratio:.1f} times as long on a core, {there:.1f}"
    )
    assert words in flowing()
    text = (configuration.ROOT / "docs/speed.md").read_text()
    assert f"a VampPrior epoch takes {1 / there:.2f} times as" in text
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
        "prior, {} with the VampPrior and {} with the proposed method"
    )
    assert words.format(*minutes) in flowing()
