"""The README's answer in short, from the committed runs."""

import pandas as pd
from committed import (
    CELLS,
    FINDINGS,
    README,
    against,
    flowing,
    freyfaces,
    normalised,
    printed,
    said,
    sampled_more,
    scatter,
    scored,
    trained,
    welch,
)
from scipy import stats

from workflow import reference


def test_what_becomes_of_the_main_claim_on_freyfaces():
    ours, paper = {m: freyfaces(m) for m in CELLS}, printed("freyfaces")
    gaps, ps = {}, {}
    for method, values in ours.items():
        theirs = paper[method.partition("-")[0]]
        gaps[method] = values.mean() - theirs.mean
        ps[method] = against(values, theirs).pvalue
    assert ps["vampprior-500"] < 0.05 < ps["standard"]
    assert ps["iop"] < 0.05 < 2 * ps["iop"]  # Holm's, the second of three
    other = freyfaces("iop", kind="variants/rate3e-4/scores")
    p = against(other, paper["iop"]).pvalue
    assert p >= 0.05
    for words in (
        f"the VampPrior is {gaps['vampprior-500']:.0f} nats higher; the IOP is "
        f"{-gaps['iop']:.0f} lower (p = {ps['iop']:.3f}). MNIST",
    ):
        assert words in flowing(README)


def test_what_the_estimated_density_hides_on_freyfaces():
    integral = freyfaces("iop", "prior", "log_normaliser", "audit")
    less = normalised("freyfaces")
    plain = welch(less, freyfaces("standard"))
    assert plain >= 0.05
    words = (
        f"integrates to Z, not to one (ln Z = {integral.mean():.1f} ± "
        f"{integral.std():.1f}, "
    )
    assert words in flowing(FINDINGS), words
    words = (
        f"normalised by {less.mean() - freyfaces('standard').mean():.1f} "
        f"({said(plain)}); in other settings"
    )
    assert words in flowing(README), words


def test_what_more_importance_samples_do_on_freyfaces():
    few, many = ({m: f(m).mean() for m in CELLS} for f in (freyfaces, sampled_more))
    late = []
    for method in CELLS:
        table = pd.read_csv(reference.FOLDER / f"audit/freyfaces/{method}.csv")
        table = table[table["metric"] == "log_likelihood"]
        of = table.groupby("samples")["value"].mean()
        late.append(of[1000] - of[100])
    gains = [many[m] - few[m] for m in CELLS]
    assert sorted(few, key=few.get) == sorted(many, key=many.get)
    before, after = (
        [of["vampprior-500"] - of[m] for m in ("standard", "iop")] for of in (few, many)
    )
    for words in (
        f"every prior gains {min(gains):.0f} to {max(gains):.0f} nats on FreyFaces",
        f"from {before[0]:.1f} to {after[0]:.1f} over the standard VAE and from "
        f"{before[1]:.1f} to {after[1]:.1f} over the IOP",
    ):
        assert words in flowing(README), words
    words = (
        f"every prior gains {min(gains):.0f} to {max(gains):.0f}, at the chosen rates, "
        f"the last {min(late):.0f} to {max(late):.0f} of them from a hundred on"
    )
    assert words in flowing(FINDINGS), words


def test_how_far_the_estimate_of_the_integral_errs_where_it_is_known():
    worst = []
    for dataset in ("freyfaces", "freyfaces-split1", "bone-marrow"):
        paths = (reference.FOLDER / "audit" / dataset).glob("vampprior-*.csv")
        of = pd.concat(
            scored(dataset, path.stem, "prior", "log_normaliser", "audit")
            for path in paths
        )
        worst.append(of.abs().max())
    kind = "variants/rate1e-3/audit"
    fast = freyfaces("vampprior-500", "prior", "log_normaliser", kind).abs().max()
    words = (
        f"errs by up to {worst[0]:.1f} nats, {fast:.1f} at 1e-3, {worst[1]:.1f} on "
        f"another split and {worst[2]:.1f} on bone marrow, whatever K)"
    )
    assert words in flowing(FINDINGS), words


def test_what_onehot_says_of_the_seeds():
    means, exact = {}, {}
    for method in ("iop", "vampprior-50"):
        curves = [curve for _, curve in trained(f"runs/onehot/{method}")]
        usual = [curve.loc[100:1000, "valid_elbo"].mean() for curve in curves]
        means[method] = pd.Series(usual)
        exact[method] = scored("onehot", method, metric="exact_log_likelihood")
    assert {len(of) for of in means.values()} == {8}
    p = scatter(means["vampprior-50"], means["iop"])
    spread = [means[m].std() for m in ("iop", "vampprior-50")]
    assert p < 0.05
    robust = stats.levene(*means.values(), center="median").pvalue
    kept = [exact[m].std() for m in ("iop", "vampprior-50")]
    same = scatter(exact["iop"], exact["vampprior-50"])
    assert same >= 0.05
    words = (
        f"OneHot the IOP's ELBO by epoch scatters less (p = {p:.3f}, by a robust test "
        f"{robust:.2f}); in ln p(x) no difference was found (p = {same:.2f})."
    )
    assert words in flowing(README), words
    for words in (
        f"a standard deviation of {spread[1]:.2f}, the IOP's of {spread[0]:.2f} "
        f"(F-test, p = {p:.3f}; by Brown and Forsythe's, which outliers move less, p = "
        f"{robust:.2f})",
        f"was found ({kept[1]:.2f} against the IOP's {kept[0]:.2f}, p = {same:.2f})",
    ):
        assert words in flowing(FINDINGS), words
