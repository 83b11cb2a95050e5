"""The README's numbers, from the committed runs and the paper's own."""

import itertools
import json
import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workflow.scripts import configuration, reference, tabular

CELLS = {
    "standard": "standard",
    "vampprior-500": "VampPrior",
    "iop": "implicit optimal",
}
STAND_INS = {"bone-marrow": "bone marrow", "freyfaces-split1": "FreyFaces split anew"}


def freyfaces(method, split="test", metric="log_likelihood", kind="scores"):
    """A score of each seed, in nats, by seed."""
    return scored("freyfaces", method, split, metric, kind)


def scored(dataset, method, split="test", metric="log_likelihood", kind="scores"):
    """The same on any dataset."""
    table = pd.read_csv(reference.FOLDER / f"{kind}/{dataset}/{method}.csv")
    chosen = table[(table["split"] == split) & (table["metric"] == metric)]
    values = chosen.set_index("seed")["value"]
    assert list(values.index) == list(range(len(values)))
    return values


def readme():
    return (configuration.ROOT / "README.md").read_text()


def flowing():
    """The README without its line breaks."""
    return " ".join(readme().split())


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
        # eight values with the paper's mean and deviation
        shape = np.arange(8) - 3.5
        like = theirs.mean + theirs.sd * shape / shape.std(ddof=1)
        test = stats.ttest_ind(ours, like, equal_var=False)
        low, high = test.confidence_interval(0.95)
        for text in (
            f"| {len(ours)} |",
            f"{ours.mean():.2f} ± {ours.std():.2f}",
            f"{theirs.mean:.2f} ± {theirs.sd:.2f}",
            f"{ours.mean() - theirs.mean:+.2f} [{low:+.2f}, {high:+.2f}] |",
            f"| {test.pvalue:.3f} | {'holds' if test.pvalue >= 0.05 else side} |",
        ):
            assert text in line


def test_the_readme_says_how_the_priors_lie_apart():
    """Beside the paper's own numbers, typed here from its Table 2."""
    printed = {
        "standard": (1382.53, 3.57),
        "vampprior-500": (1392.62, 6.25),
        "iop": (1396.27, 2.75),
    }
    ours = {method: freyfaces(method) for method in CELLS}
    for high, low, words in (
        ("vampprior-500", "standard", "it lies {:+.1f} above the standard VAE"),
        ("iop", "vampprior-500", "ours {:+.1f} from the VampPrior"),
        ("iop", "standard", "{:+.1f} from the standard VAE"),
    ):
        text = words.format(ours[high].mean() - ours[low].mean())
        theirs = printed[high][0] - printed[low][0]
        assert f"{text} (paper {theirs:+.1f})" in flowing()
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


def said(p):
    return "p < 0.001" if p < 0.001 else f"p = {p:.{2 if p >= 0.01 else 3}f}"


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
        (ours, vamp, "ours as scored is not told from the VampPrior ({})"),
        (normal, vamp, "Normalised it lies below the VampPrior ({})"),
        (normal, standard, "and above the standard VAE of that rate ({})"),
    ):
        p = stats.ttest_ind(of, than, equal_var=False).pvalue
        assert words.format(said(p)) in flowing()
        assert (p >= 0.05) == ("not told" in words)
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
        "lies {standard:.1f} from N(0, I) in the standard VAE, {iop:.1f} in ours and "
        "{vampprior:.1f} with the VampPrior".format(**short(exact)),
        "accounts for {iop:.1f} and the VampPrior for {vampprior:.1f}:".format(
            **short(found)
        ),
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


def test_the_readme_shows_the_elbos_of_the_committed_onehot_runs():
    """Mean over the seeds and epochs 100 to 1,000."""
    text = flowing()
    place, means = reference.FOLDER / "runs/onehot", {}
    for method, words in (
        ("standard", "with {} on average over epochs 100 to 1,000"),
        ("avb", "AVB ({})"),
        ("vampprior-50", "VampPrior ({})"),
        ("iop", "implicit optimal prior ({}) come close"),
    ):
        assert reference.seeds("onehot", method) == list(range(8))
        curves = [
            pd.read_csv(path).query("100 <= epoch <= 1000")["valid_elbo"]
            for path in place.glob(f"{method}/seed*/curve.csv")
        ]
        assert words.format(f"{pd.concat(curves).mean():.2f}") in text
        means[method] = [curve.mean() for curve in curves]
    spread = {method: max(of) - min(of) for method, of in means.items()}
    assert max(spread, key=spread.get) == "vampprior-50"
    for method, words in (
        ("vampprior-50", "scatters most, from {:.2f} to {:.2f}"),
        ("standard", "(the standard VAE from {:.2f} to {:.2f})"),
    ):
        assert words.format(min(means[method]), max(means[method])) in text


@pytest.mark.parametrize(("dataset", "name"), STAND_INS.items())
def test_the_readme_shows_what_the_stand_ins_give(dataset, name):
    tested = [scored(dataset, method) for method in CELLS]
    tested.append(normalised(dataset))
    (line,) = [x for x in readme().splitlines() if x.startswith(f"| {name}")]
    (n,) = {len(of) for of in tested}
    texts = [f"{of.mean():.2f} ± {of.std():.2f}" for of in tested]
    assert line.endswith(f"| {n} | {' | '.join(texts)} |")


def normalised(dataset):
    """Ours less ln Z of each seed."""
    integral = scored(dataset, "iop", "prior", "log_normaliser", "audit")
    return scored(dataset, "iop") - integral


def test_the_readme_says_what_another_split_of_freyfaces_does():
    new, old = (
        {method: scored(dataset, method) for method in CELLS}
        for dataset in ("freyfaces-split1", "freyfaces")
    )
    for high, low, words in (
        ("vampprior-500", "standard", "the VampPrior lies {:+.1f} from the standard"),
        ("iop", "vampprior-500", "ours {:+.1f} from the VampPrior"),
        ("iop", "standard", "and {:+.1f} from the standard VAE"),
    ):
        p = stats.ttest_ind(new[high], new[low], equal_var=False).pvalue
        gap = words.format(new[high].mean() - new[low].mean())
        pattern = rf"{re.escape(gap)}( VAE)? \({re.escape(said(p))}\)"
        assert re.search(pattern, flowing()), f"{gap} ({said(p)})"
    less = normalised("freyfaces-split1")
    p = stats.ttest_ind(less, new["standard"], equal_var=False).pvalue
    gap = less.mean() - new["standard"].mean()
    assert f"normalised {gap:+.1f} ({said(p)});" in flowing()
    moved = [new[method].mean() - old[method].mean() for method in CELLS]
    words = f"The split moves the means by {min(moved):+.1f} to {max(moved):+.1f}"
    assert words in flowing()


def test_the_readme_says_what_bone_marrow_shows():
    text, place = flowing(), reference.FOLDER
    tested = [scored("bone-marrow", method) for method in CELLS]
    ps = [
        stats.ttest_ind(a, b, equal_var=False).pvalue
        for a, b in itertools.combinations(tested, 2)
    ]
    assert f"(p from {min(ps):.2f} to {max(ps):.2f})" in text
    assert min(ps) >= 0.05
    late, fall, rise = {}, [], []
    for path in place.glob("runs/bone-marrow/*/seed*/record.json"):
        record = json.loads(path.read_text())
        curve = pd.read_csv(path.with_name("curve.csv")).set_index("epoch")
        curve = curve[["train_elbo", "valid_elbo"]]
        rate = record["settings"]["learning_rate"]
        late.setdefault(rate, []).append(record["epoch"] - 100)
        change = curve.iloc[-1] - curve.loc[record["epoch"]]
        fall.append(-change["valid_elbo"])
        rise.append(change["train_elbo"])
    for words, values in (
        ("At 3e-4 the weights kept are of {:.0f} to {:.0f} epochs", late[0.0003]),
        ("at 1e-4 of {:.0f} to {:.0f}.", late[0.0001]),
        ("the validation ELBO falls by {:.0f} to {:.0f} while", fall),
        ("the training ELBO rises by {:.0f} to {:.0f},", rise),
    ):
        assert words.format(min(values), max(values)) in text


def test_the_readme_says_what_the_search_on_bone_marrow_found():
    place, best = reference.FOLDER / "search/bone-marrow", {}
    for path in place.glob("*/rate*/seed*/record.json"):
        record = json.loads(path.read_text())
        rates = best.setdefault(record["settings"]["method"], {})
        values = rates.setdefault(record["settings"]["learning_rate"], [])
        values.append(record["best_valid_elbo"])
    mean = {m: {r: np.mean(v) for r, v in of.items()} for m, of in best.items()}
    for method, first, second, words in (
        ("standard", 1e-4, 3e-4, "({:.1f}, then {:.1f} at 3e-4, {:.1f} at 1e-3)"),
        ("vampprior", 3e-4, 1e-4, "({:.1f}, then {:.1f} at 1e-4, {:.1f} at 1e-3)"),
    ):
        values = mean[method][first], mean[method][second], mean[method][1e-3]
        assert list(values) == sorted(values, reverse=True)
        assert words.format(*values) in flowing()
    values = mean["iop"][3e-4], mean["iop"][1e-3]
    words = "With ours 3e-4 leads 1e-3 ({:.1f}, then {:.1f}); 1e-4 has not been tried"
    assert words.format(*values) in flowing()
    assert values[0] > values[1]
    assert len(mean["iop"]) == 2


def test_the_readme_says_how_many_components_are_in_use():
    text = flowing()
    used = {
        dataset: scored(dataset, "vampprior-500", "train", "components_in_use", "audit")
        for dataset in ("bone-marrow", "freyfaces-split1")
    }
    few, more = used.values()
    words = "fall on effectively {:.1f} and {:.1f} of the VampPrior's 500 components"
    assert words.format(*few) in text
    assert "on FreyFaces split anew on {:.0f} and {:.0f}.".format(*more) in text
    gains = np.log(500 / few)
    assert "would be at least {:.1f} and {:.1f} higher".format(*gains) in text
    known, ours = (
        scored("bone-marrow", method, "prior", "log_normaliser", "audit")
        for method in ("vampprior-500", "iop")
    )
    assert f"it gives ln Z = {known.mean():.1f} ± {known.std():.1f} for this" in text
    assert f"For ours it gives {ours.mean():.1f} ± {ours.std():.1f}," in text


def test_the_readme_says_what_becomes_of_the_claim_of_speed():
    alone = pd.read_csv(reference.FOLDER / "speed/epyc-epochs.csv")
    seconds = alone.query("dataset == 'mnist'").set_index("method")["seconds_per_epoch"]
    ratio = seconds["iop"] / seconds["vampprior-500"]
    assert f"an epoch of ours takes {ratio:.1f} times as long" in flowing()
