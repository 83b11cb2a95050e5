"""The findings' numbers of FreyFaces, from the committed runs."""

import json

import numpy as np
import pandas as pd
from committed import (
    CELLS,
    FINDINGS,
    WORDS,
    flowing,
    freyfaces,
    printed,
    said,
    sampled_more,
    welch,
)
from scipy import stats

from workflow import reference
from workflow.report import tabular


def test_the_findings_says_how_the_priors_lie_apart():
    """Beside the paper's own numbers."""
    cells = printed("freyfaces").values()
    paper = {m: (cell.mean, cell.sd) for m, cell in zip(CELLS, cells, strict=True)}
    ours = {method: freyfaces(method) for method in CELLS}
    shifts = []
    for high, low, words in (
        ("vampprior-500", "standard", "it lies {:+.1f} above the standard VAE"),
        ("iop", "vampprior-500", "the IOP {:+.1f} from the VampPrior"),
        ("iop", "standard", "{:+.1f} from the standard VAE"),
    ):
        text = words.format(ours[high].mean() - ours[low].mean())
        theirs = paper[high][0] - paper[low][0]
        assert f"{text} (paper {theirs:+.1f})" in flowing(FINDINGS)
        variances = [ours[m].var() / 8 for m in (high, low)]
        variances += [paper[m][1] ** 2 / 8 for m in (high, low)]
        df = 7 * sum(variances) ** 2 / sum(v**2 for v in variances)  # Satterthwaite
        shift = ours[high].mean() - ours[low].mean() - theirs
        shifts.append(2 * stats.t.sf(abs(shift) / sum(variances) ** 0.5, df))
        p = welch(ours[high], ours[low])
        told = stats.ttest_ind_from_stats(*paper[high], 8, *paper[low], 8, False)
        if (high, low) == ("iop", "standard"):
            assert f"which may be chance (p = {p:.2f})" in flowing(FINDINGS)
            assert p >= 0.05
        else:
            assert p < 0.05
        if (high, low) == ("iop", "vampprior-500"):
            assert f"(p = {told.pvalue:.2f} by its printed numbers)" in flowing(
                FINDINGS
            )
            assert told.pvalue >= 0.05
        else:
            assert told.pvalue < 0.05
    first, second, third = shifts
    assert second < 0.001
    words = (
        f"(p = {first:.3f} and p < 0.001), the third may be the same (p = {third:.2f})"
    )
    assert words in flowing(FINDINGS)


def test_the_findings_says_how_safe_the_choice_of_rates_is():
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
    assert words in flowing(FINDINGS)


def test_the_findings_says_what_other_choices_gave():
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
        assert f"{start} | {' | '.join(texts)} |" in flowing(FINDINGS)
    for method, device in zip(CELLS, ("Xeon", "EPYC", "Xeon"), strict=True):
        path = reference.FOLDER / f"variants/patience50/scores/freyfaces/{method}.csv"
        assert pd.read_csv(path)["device"].str.contains(device).all()
    words = "the VampPrior ran on an AMD EPYC, the other two on an Intel Xeon"
    assert words in flowing(FINDINGS)
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
        p = welch(of, than)
        assert words.format(said(p)) in flowing(FINDINGS)
        assert (p >= 0.05) == ("not differ" in words)
    assert standard.mean() < normal.mean() < vamp.mean()
    integral = ours - normal
    words = f"(ln Z = {integral.mean():.1f} ± {integral.std():.1f} at 3e-4,"
    assert words in flowing(FINDINGS)
    standard, vamp, ours, _ = by_rate["| 1e-3 | 50"]
    for high, low, words in (
        (vamp, standard, "VampPrior and standard VAE by"),
        (ours, standard, "IOP and standard VAE by"),
        (vamp, ours, "VampPrior and IOP by"),
    ):
        p = welch(high, low)
        gap = high.mean() - low.mean()
        assert f"{words} {gap:+.1f} ({said(p)})" in flowing(FINDINGS)
        assert p >= 0.05


def test_the_findings_says_how_far_the_committed_freyfaces_runs_swing():
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
        assert words.format(min(values), max(values)) in flowing(FINDINGS)
    assert (
        "estimated anew, the ELBO of the kept weights is on average less than 1 lower"
        in flowing(FINDINGS)
    )


def short(values):
    """By prior, without K."""
    return {method.partition("-")[0]: value for method, value in values.items()}


def test_the_findings_says_what_the_audit_of_freyfaces_found():
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
    words = f"(ln Z = {integral.mean():.1f} ± {integral.std():.1f}, estimated"
    assert words in flowing(FINDINGS)
    tested = {m: freyfaces(m) for m in CELLS}
    ours = tested["iop"] - integral
    for method, name in (("standard", "standard VAE"), ("vampprior-500", "VampPrior")):
        p = welch(ours, tested[method])
        gap = ours.mean() - tested[method].mean()
        words = f"{gap:+.1f} from the {name} ("
        assert words + ("p < 0.001)" if p < 0.001 else f"p = {p:.2f})") in flowing(
            FINDINGS
        )
    exact = {m: of["kl_aggregated"].mean() for m, of in audited.items()}
    found = {m: of["mean_ratio"].mean() for m, of in audited.items()}
    found["iop"] -= integral.mean()
    left = {m: exact[m] - found[m] for m in CELLS}
    for words in (
        "KL(q(z) ‖ N(0, I)) | {standard:.1f} | {iop:.1f} | {vampprior:.1f} |".format(
            **short(exact)
        ),
        "own prior adds | {standard:.0f} | {iop:.1f} | {vampprior:.1f} |".format(
            **short(found)
        ),
        "KL(q(z) ‖ p(z)) | {standard:.1f} | {iop:.1f} | {vampprior:.1f} |".format(
            **short(left)
        ),
    ):
        assert words in flowing(FINDINGS)
    many = {method: sampled_more(method) for method in CELLS}
    gains = [many[m].mean() - tested[m].mean() for m in CELLS]
    words = f"every prior gains {min(gains):.0f} to {max(gains):.0f}"
    assert words in flowing(FINDINGS)
    leads = [many["vampprior-500"] - many[m].mean() for m in ("standard", "iop")]
    p = welch(many["vampprior-500"], many["iop"])
    words = (
        f"lies {leads[0].mean():+.1f} above the standard VAE and "
        f"{leads[1].mean():+.1f} above the IOP as scored ({said(p)})"
    )
    assert words in flowing(FINDINGS)
    assert p < 0.05


def test_the_findings_says_what_a_lower_rate_of_t_gives():
    """Seed by seed."""
    variant = "variants/ratio-rate1e-4"
    low = freyfaces("iop", kind=f"{variant}/scores")
    high = freyfaces("iop")[low.index]
    small, large = (
        freyfaces("iop", "prior", "log_normaliser", kind)[low.index]
        for kind in (f"{variant}/audit", "audit")
    )
    gaps = low - high, (low - small) - (high - large)
    p, normal = (stats.ttest_1samp(gap, 0).pvalue for gap in gaps)
    elbos = [
        freyfaces("iop", "valid", "elbo", kind)[low.index]
        for kind in (f"{variant}/scores", "scores")
    ]
    less = elbos[0] - small, elbos[1] - large
    lower = stats.ttest_rel(*elbos).pvalue
    words = (
        f"the least of the paper's range, {WORDS[len(low)]} seeds score "
        f"{low.mean():.2f} ± {low.std():.2f}, "
        f"{gaps[0].mean():+.1f} from the same seeds at 1e-3 ({said(p)}, paired). "
        f"Their validation ELBO, estimated anew, is {elbos[0].mean():.1f} against "
        f"{elbos[1].mean():.1f} ({said(lower)}). Their ln Z is "
        f"{small.mean():.1f} ± {small.std():.1f} instead of {large.mean():.1f} ± "
        f"{large.std():.1f}, but estimated from another [starting "
        "density](protocol.md#density-of-the-implicit-optimal-prior), so what is left "
        f"when it is taken off is uncertain: {gaps[1].mean():+.1f} ({said(normal)}), "
        f"of the validation ELBO {less[0].mean():.1f} against {less[1].mean():.1f}."
    )
    assert words in flowing(FINDINGS), words
    assert low.mean() < high.mean() < printed("freyfaces")["iop"].mean
    assert less[0].mean() < less[1].mean()


def test_the_protocol_says_how_far_what_the_density_integrates_to_ranges():
    found = pd.concat(
        freyfaces("iop", "prior", "log_normaliser", path.parents[1])
        for path in reference.FOLDER.rglob("audit/freyfaces/iop.csv")
    )
    words = f"ln Z from {found.min():.0f} to {found.max():.0f} on FreyFaces"
    assert words in flowing("docs/protocol.md"), words


def test_the_findings_says_how_well_t_separates():
    """Eq. 20 in T's last epoch before the weights that are kept."""
    medians = []
    for dataset in ("freyfaces", "bone-marrow"):
        ends = []
        for path in (reference.FOLDER / f"runs/{dataset}/iop").glob("*/record.json"):
            curve = pd.read_csv(path.with_name("curve.csv")).set_index("epoch")
            best = json.loads(path.read_text())["epoch"]
            ends.append(curve["ratio_objective"][best])
        assert len(ends) == 8
        medians.append(f"{np.median(ends):.1g}")
    words = "has a median of {} over the seeds ({} on bone marrow)".format(*medians)
    assert words in flowing(FINDINGS)
