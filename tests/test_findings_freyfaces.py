"""The findings' numbers of FreyFaces, from the committed runs."""

import numpy as np
import pandas as pd
from committed import (
    CELLS,
    FINDINGS,
    WORDS,
    flowing,
    freyfaces,
    kept,
    printed,
    said,
    sampled_more,
    scored,
    trained,
    welch,
)
from scipy import stats

from workflow import reference


def test_the_findings_says_how_far_the_committed_freyfaces_runs_swing():
    deviations, leads = [], []
    for method in CELLS:
        runs = list(trained(f"runs/freyfaces/{method}"))
        best = [record["best_valid_elbo"] for record, _ in runs]
        last = [curve["valid_elbo"].tail(100) for _, curve in runs]
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
    exact = {m: of["kl_aggregated"] for m, of in audited.items()}
    found = {m: of["mean_ratio"] for m, of in audited.items()}
    found["iop"] = found["iop"] - integral
    left = {m: exact[m] - found[m] for m in CELLS}
    assert not found["standard"].any()
    found["standard"] = None
    for start, row in (
        ("KL(q(z) ‖ N(0, I))", exact),
        ("own prior adds", found),
        ("KL(q(z) ‖ p(z))", left),
    ):
        texts = [
            "0" if row[m] is None else f"{row[m].mean():.1f} ± {row[m].std():.1f}"
            for m in ("standard", "iop", "vampprior-500")
        ]
        assert f"{start} | {' | '.join(texts)} |" in flowing(FINDINGS), texts
    ps = [welch(left["iop"], left[m]) for m in ("standard", "vampprior-500")]
    assert min(ps) >= 0.05
    words = "the IOP differs significantly from neither (p = {:.2f} and {:.2f})"
    assert words.format(*ps) in flowing(FINDINGS), ps
    exact, ratio, integral = (
        freyfaces("iop", split, metric, "variants/rate3e-4/audit")
        for split, metric in (
            ("train", "kl_aggregated"),
            ("train", "mean_ratio"),
            ("prior", "log_normaliser"),
        )
    )
    rows = exact, ratio - integral, exact - ratio + integral
    texts = [f"{of.mean():.1f} ± {of.std():.1f}" for of in rows]
    words = "At 3e-4 its rows are {}, {} and {}, yet its score is higher:"
    assert words.format(*texts) in flowing(FINDINGS), texts
    higher = freyfaces("iop", kind="variants/rate3e-4/scores").mean()
    assert higher > tested["iop"].mean()
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


def test_the_documents_say_what_more_samples_do_at_equal_rates():
    iop, standard = sampled_more("iop"), sampled_more("standard")
    vamp = sampled_more("vampprior-500", kind="variants/rate1e-3/audit")
    less = iop - freyfaces("iop", "prior", "log_normaliser", "audit")
    ahead = iop.mean() - vamp.mean()
    still = less.mean() - vamp.mean()
    words = (
        f"With all three at 1e-3 the IOP then lies {ahead:+.1f} above the VampPrior as "
        f"scored ({said(welch(iop, vamp))}), normalised {still:+.1f} "
        f"({said(welch(less, vamp))}), and the VampPrior "
        f"{vamp.mean() - standard.mean():+.1f} above the standard VAE "
        f"({said(welch(vamp, standard))})."
    )
    assert words in flowing(FINDINGS), words


def test_the_findings_says_how_nearly_each_image_stands_apart():
    """I(n; z) = E KL(q(z|x) || p(z)) - KL(q(z) || p(z)) <= ln N, whatever p(z) is."""
    sizes = pd.read_csv(reference.FOLDER / "table1.csv").set_index("dataset")["train"]
    apart = {}
    for dataset, mixture in (
        ("freyfaces", ["vampprior-500", "iop"]),
        ("omniglot-rebuilt", ["vampprior-1000", "iop"]),
        ("mnist", []),
    ):
        for method in ("standard", *mixture):
            left, adds = (
                scored(dataset, method, "train", metric, "audit")
                for metric in ("kl_aggregated", "mean_ratio")
            )
            term = kept(dataset, method, "train_kl")[left.index]
            apart.setdefault(dataset, []).append(np.mean(term - left + adds))
    frey, omniglot, (digits,) = apart.values()
    limits = np.log(sizes[list(apart)])
    words = (
        f"here by {min(frey):.1f} to {max(frey):.1f}, where ln N is "
        f"{limits.iloc[0]:.1f}; on OMNIGLOT (rebuilt) by {min(omniglot):.1f} to "
        f"{max(omniglot):.1f} of {limits.iloc[1]:.1f}, on MNIST by {digits:.1f} of "
        f"{limits.iloc[2]:.1f}"
    )
    assert words in flowing(FINDINGS), words


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
        ends = kept(dataset, "iop", "ratio_objective")
        assert len(ends) == 8
        medians.append(f"{np.median(ends):.1g}")
    words = "has a median of {} over the seeds ({} on bone marrow;".format(*medians)
    assert words in flowing(FINDINGS)
