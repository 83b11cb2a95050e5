"""The stand-ins: the README's table, and what is told of several."""

import numpy as np
from committed import (
    CELLS,
    FINDINGS,
    README,
    flowing,
    normalised,
    printed,
    scored,
    text_of,
)
from scipy import stats

LATER = ("bone-marrow", "freyfaces-split1")  # audited from the newer start


def test_the_readme_shows_what_the_stand_in_for_histopathology_gives():
    tested = [scored("bone-marrow", method) for method in CELLS]
    tested.append(normalised("bone-marrow"))
    (line,) = [x for x in text_of(README).splitlines() if x.startswith("| bone marrow")]
    counts = [str(len(of)) for of in tested[:3]]
    n = counts[0] if len(set(counts)) == 1 else ", ".join(counts)
    texts = [f"{of.mean():.2f} ± {of.std():.2f}" for of in tested]
    assert line.endswith(f"| {n} | {' | '.join(texts)} |")


def test_the_findings_says_how_many_components_are_in_use():
    text = flowing(FINDINGS)
    used = {
        dataset: scored(dataset, "vampprior-500", "train", "components_in_use", "audit")
        for dataset in ("bone-marrow", "freyfaces-split1")
    }
    few, more = used.values()
    words = "fall on effectively {:.1f} to {:.1f} of the VampPrior's 500 components"
    assert words.format(few.min(), few.max()) in text
    words = f"on FreyFaces split anew on {more.min():.0f} to {more.max():.0f} ("
    assert words in text
    gains = np.log(500 / few)
    words = "would be at least {:.1f} to {:.1f} higher"
    assert words.format(gains.min(), gains.max()) in text
    known, ours = (
        scored("bone-marrow", method, "prior", "log_normaliser", "audit")
        for method in ("vampprior-500", "iop")
    )
    assert f"it gives ln Z = {known.mean():.1f} ± {known.std():.1f} for this" in text
    old, new = (
        scored(dataset, "vampprior-500", "prior", "log_normaliser", "audit")
        for dataset in ("freyfaces", "freyfaces-split1")
    )
    words = (
        f"(on FreyFaces {old.min():.1f} to {old.max():.1f}, split anew {new.min():.1f} "
        f"to {new.max():.1f})"
    )
    assert words in text, words
    assert f"For the IOP it gives {ours.mean():.1f} ± {ours.std():.1f}," in text


def test_the_protocol_says_how_many_chains_count():
    text = flowing("docs/protocol.md")
    new, old = (
        np.concatenate(
            [scored(d, "iop", "prior", "effective_chains", "audit") for d in datasets]
        )
        for datasets in (LATER, ["freyfaces"])
    )
    words = f"{new.min():.0f} to {new.max():.0f} of the IOP's chains are effective on"
    assert f"from that start {words}" in text, words
    assert f"and {old.min():.0f} to {old.max():.0f} are effective." in text
    early, late = (
        scored(dataset, "iop", "prior", "log_normaliser", "audit")
        for dataset in ("freyfaces", "freyfaces-split1")
    )
    words = (
        f"ln Z = {early.mean():.1f} ± {early.std():.1f}, the other, at the same rates "
        f"on the other split, {late.mean():.1f} ± {late.std():.1f},"
    )
    assert words in text, words


def test_the_protocol_says_why_the_papers_deviations_are_no_standard_errors():
    """Else Histopathology's VampPrior would be bold, too."""
    cells = printed("histopathology")
    sides = [
        x
        for prior in ("vampprior", "iop")
        for x in (cells[prior].mean, cells[prior].sd * 8**0.5, 8)
    ]
    p = stats.ttest_ind_from_stats(*sides, equal_var=False).pvalue
    assert p >= 0.05
    assert f"(Histopathology's VampPrior, p = {p:.2f})" in flowing("docs/protocol.md")
