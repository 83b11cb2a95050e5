"""The findings' numbers of OneHot, from the committed runs."""

import math

import numpy as np
import pandas as pd
from committed import FINDINGS, README, flowing, scored, text_of, welch
from scipy import spatial, stats

from workflow import reference
from workflow.report import tabular
from workflow.report.curves import EXACT

ONEHOT = {
    "standard": "standard VAE",
    "avb": "AVB, ≈",
    "vampprior-50": "VampPrior",
    "iop": "IOP, ≈",
}


def onehot_curves(method):
    """Of each seed, from epoch 100 on."""
    assert reference.seeds("onehot", method) == list(range(8))
    paths = sorted((reference.FOLDER / "runs/onehot" / method).glob("seed*/curve.csv"))
    return [pd.read_csv(path).query("100 <= epoch <= 1000") for path in paths]


def test_the_findings_shows_the_committed_onehot_runs():
    """Its table, from curves and scores."""
    for method, name in ONEHOT.items():
        curves = onehot_curves(method)
        of = [pd.Series([curve["valid_elbo"].mean() for curve in curves])]
        exact = [curve.get(EXACT, pd.Series()).mean() for curve in curves]
        of.append(pd.Series(exact))
        of += [
            scored("onehot", method, metric=metric)
            for metric in (
                "elbo",
                "exact_log_likelihood",
                "optimal_prior_log_likelihood",
            )
        ]
        texts = [
            tabular.ABSENT if not x.count() else f"{x.mean():.3f} ± {x.std():.3f}"
            for x in of
        ]
        assert {x.count() for x in of} <= {0, 8}
        assert f"| {name} | {' | '.join(texts)} |" in text_of(FINDINGS)


def test_the_findings_says_what_the_estimates_on_onehot_hide():
    text, optimum = flowing(FINDINGS), -math.log(4)
    curves = {m: onehot_curves(m) for m in ONEHOT}
    above = {
        m: (pd.concat(curve["valid_elbo"] for curve in of) > optimum).mean()
        for m, of in curves.items()
    }
    assert max(above["standard"], above["vampprior-50"]) < 0.001  # by chance
    words = "{:.0%} of AVB's values and {:.0%} of the IOP's lie above the optimum"
    assert words.format(above["avb"], above["iop"]).replace("%", " %") in text
    trained = [
        (pd.concat(of["train_elbo"] for of in curves[m]) > optimum).mean()
        for m in ("avb", "iop")
    ]
    words = "validation images, {:.0%} and {:.0%} on the thousand training images"
    assert words.format(*trained).replace("%", " %") in text, trained
    usual = np.mean([of["valid_elbo"].mean() for of in curves["iop"]])
    assert usual < np.mean([of[EXACT].mean() for of in curves["iop"]])
    elbo = {m: scored("onehot", m, metric="elbo") for m in ("avb", "iop")}
    high = sum((of > optimum).sum() for of in elbo.values())
    assert f"above one; {high} of the 16 lie above the optimum." in text
    for method, words in (
        ("avb", "test data from {:.2f} to {:.2f} and"),
        ("iop", "and from {:.2f} to {:+.2f}, the last"),
    ):
        assert words.format(elbo[method].min(), elbo[method].max()) in text
    exact = scored("onehot", "iop", metric="exact_log_likelihood").to_numpy()
    worst = int(elbo["iop"].to_numpy().argmax())
    rest = np.delete(exact, worst)
    words = (
        "IOP's ln p(x) is {:.2f} to {:.2f} for seven seeds, more than that of any of "
        "the VampPrior's. For the one that is kept at {:+.2f} it is {:.2f}, less than "
        "any seed of the standard VAE"
    )
    found = rest.min(), rest.max(), elbo["iop"].max(), exact[worst]
    assert words.format(*found) in text
    plain = scored("onehot", "standard", metric="exact_log_likelihood")
    assert exact[worst] < plain.min()
    assert elbo["iop"].max() > elbo["avb"].max()
    assert f"that is kept at {elbo['iop'].max():+.2f}" in text
    assert exact[worst] < rest.min()


def test_the_findings_says_who_comes_closest_to_the_optimum_on_onehot():
    exact = {m: scored("onehot", m, metric="exact_log_likelihood") for m in ONEHOT}
    usual = {
        m: np.mean([c["valid_elbo"].mean() for c in onehot_curves(m)]) for m in ONEHOT
    }
    assert max(exact, key=lambda m: exact[m].mean()) == "avb"
    assert min([*ONEHOT][1:], key=usual.get) == "avb"
    for other, words in (
        (
            "vampprior-50",
            "it lies above the VampPrior (p = {:.3f}, of the kept weights)",
        ),
        ("iop", "between it and the IOP no difference was found (p = {:.2f})"),
    ):
        p = welch(exact["avb"], exact[other])
        assert words.format(p) in flowing(FINDINGS)
        assert (p < 0.05) == (other != "iop")


def test_the_documents_say_how_the_vampprior_on_onehot_ends():
    plain, vamp, iop = (
        scored("onehot", m, metric="exact_log_likelihood")
        for m in ("standard", "vampprior-50", "iop")
    )
    p, ranks = welch(iop, vamp), stats.mannwhitneyu(iop, vamp).pvalue
    assert p >= 0.05 > ranks
    assert iop.median() > vamp.median()
    words = (
        f"nor between the IOP and the VampPrior (p = {p:.2f}; by ranks, where an "
        f"outlier counts less, the IOP lies above, p = {ranks:.2f})"
    )
    assert words in flowing(FINDINGS), words
    words = f"goes from {vamp.max():.2f} down to {vamp.min():.2f}, where the standard"
    assert words in flowing(FINDINGS), words
    assert f"{plain.max():.2f}" == f"{vamp.min():.2f}"
    assert (iop > vamp.max()).sum() == 7
    assert iop.min() < vamp.min()
    words = (
        f"One of the IOP's eight seeds has an ln p(x) of {iop.min():.2f}, below all "
        f"the standard VAE's, two of the VampPrior's {vamp.nsmallest(2).iloc[1]:.2f} "
        f"and {vamp.min():.2f}, the latter as the standard VAE's best."
    )
    assert words in flowing(README), words
    assert 0 < vamp.min() - plain.max() < 0.01
    second = vamp.sort_values().iloc[1]
    assert second - plain.max() > 4 * (vamp.min() - plain.max())


def test_the_protocol_says_where_weights_of_the_warm_up_would_have_been_kept():
    best = {}
    for method in ("iop", "avb"):
        for path in reference.FOLDER.rglob(f"runs/*/{method}/seed*/curve.csv"):
            elbo = pd.read_csv(path).set_index("epoch")["valid_elbo"]
            ends = elbo.loc[:99].max(), elbo.loc[100:].max()
            best.setdefault(path.parents[1], []).append(ends)
    assert len(best) > 4
    found = best.pop(reference.FOLDER / "runs/onehot/iop")
    assert all(before > after > -math.log(4) for before, after in found)
    assert all(before < after for of in best.values() for before, after in of)
    (low, high), (low_after, high_after) = (
        (min(of), max(of)) for of in zip(*found, strict=True)
    )
    words = (
        f"the best ELBO of the warm-up is {low:.2f} to {high:.2f}, that after it "
        f"{low_after:.2f} to {high_after:.2f}, where none above -1.386 is possible"
    )
    assert words in flowing("docs/protocol.md"), words


def test_the_findings_says_what_the_priors_on_onehot_miss():
    gaps = {
        m: -math.log(4)
        - scored("onehot", m, metric="optimal_prior_log_likelihood").mean()
        for m in ("standard", "vampprior-50", "iop")
    }
    assert abs(gaps["vampprior-50"]) < 0.001
    words = f"The IOP's are {gaps['iop']:.2f} from it, those of the standard VAE "
    assert words + f"{gaps['standard']:.2f}." in flowing(FINDINGS)
    exact, optimal = (
        scored("onehot", "iop", metric=f"{of}_log_likelihood")
        for of in ("exact", "optimal_prior")
    )
    *rest, worst = sorted(optimal - exact)
    words = (
        f"would give by {rest[0]:.2f} to {rest[-1]:.2f} in seven of eight seeds, by "
        f"{worst:.2f} in one"
    )
    assert words in flowing(README), words


def test_the_findings_says_how_the_seeds_on_onehot_scatter():
    means = {m: [c["valid_elbo"].mean() for c in onehot_curves(m)] for m in ONEHOT}
    spread = {method: max(of) - min(of) for method, of in means.items()}
    assert max(spread, key=spread.get) == "vampprior-50"
    for method, words in (
        ("vampprior-50", "scatters most, from {:.2f} to {:.2f}"),
        ("standard", "(the standard VAE's from {:.2f} to {:.2f})"),
    ):
        assert words.format(min(means[method]), max(means[method])) in flowing(FINDINGS)


def test_the_findings_says_what_sets_the_failing_seed_apart():
    curves = onehot_curves("iop")
    objective = [curve["ratio_objective"].median() for curve in curves]
    high = [int((curve["valid_elbo"] > -0.9).sum()) for curve in curves]
    worst = int(scored("onehot", "iop", metric="elbo").to_numpy().argmax())
    rest = np.delete(objective, worst)
    words = (
        f"the epochs from 100 on: {objective[worst]:.2f}, in the others "
        f"{rest.min():.2f} to {rest.max():.2f}), and its ELBO is above -0.9 in "
        f"{high[worst]} epochs, in the others in none"
    )
    assert words in flowing(FINDINGS)
    assert sum(high) == high[worst]


def test_the_findings_says_what_table_2s_score_makes_of_onehot():
    over = {}
    for method in ("standard", "vampprior-50", "iop"):
        score, exact = (
            scored("onehot", method, metric=metric)
            for metric in ("log_likelihood", "exact_log_likelihood")
        )
        over[method] = score - exact
    high = score.sort_values()
    assert high.min() > -math.log(4)
    rest, worst = over["iop"].drop(high.index[-1]), over["iop"][high.index[-1]]
    short = -pd.concat([over["standard"], over["vampprior-50"]])
    words = (
        f"seven at {high.iloc[0]:.2f} to {high.iloc[-2]:.2f}, one at "
        f"{high.iloc[-1]:+.2f}. They exceed their ln p(x) by {rest.min():.2f} to "
        f"{rest.max():.2f}, the one by {worst:.2f}; the same score of the standard VAE "
        f"and of the VampPrior falls short of it by {short.min():.2f} to "
        f"{short.max():.2f}."
    )
    assert words in flowing(FINDINGS), words
    assert short.min() > 0


def test_the_findings_says_how_the_posteriors_of_figure_1_overlap():
    mixed, rebuilt = {}, {}
    for method in ONEHOT:
        points = pd.read_csv(reference.FOLDER / f"posterior/onehot/{method}.csv")
        assert set(points["seed"]) == {0}
        z, vector = points[["z1", "z2"]].to_numpy(), points["vector"].to_numpy()
        assert len(z) == 1000
        nearest = spatial.KDTree(z).query(z, k=2)[1][:, 1]
        mixed[method] = f"{100 * np.mean(vector[nearest] != vector):.1f}"
        rebuilt[method] = scored(
            "onehot", method, metric="reconstruction"
        ).sort_values()
    assert mixed["vampprior-50"] == "0.0"
    iop = rebuilt.pop("iop")
    assert iop.index[0] == scored("onehot", "iop", metric="elbo").idxmax()
    plain, avb, vamp = (f"{of.mean():.2f} ± {of.std():.2f}" for of in rebuilt.values())
    words = (
        f"for {mixed['standard']} % of the standard VAE's, {mixed['avb']} % of AVB's, "
        f"{mixed['iop']} % of the IOP's and none of the VampPrior's. Over the eight "
        f"seeds the reconstruction term of the test data is {plain} in the standard "
        f"VAE, {avb} in AVB and {vamp} in the VampPrior; in the IOP {iop.iloc[1]:.2f} "
        f"to {iop.iloc[-1]:.2f} but for the seed above, {iop.iloc[0]:.2f}."
    )
    assert words in flowing(FINDINGS), words
