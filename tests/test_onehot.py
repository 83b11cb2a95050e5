"""Figure 2 in numbers, from made curves and scores."""

import numpy as np
import pandas as pd
import pytest
from made import NAMED, arguments, run, seeds, write

from workflow.report import curves
from workflow.report.tabular import ABSENT
from workflow.scripts import onehot

EXACT = {"metric": "exact_log_likelihood", "samples": 0}


@pytest.fixture
def made(tmp_path):
    """Two seeds of AVB, half of whose ELBOs are too high, and one of the VampPrior."""
    folders = []
    for name, late, exact in (
        ("avb0", [-1.0, -2.0], [np.nan, -1.5]),
        ("avb1", [-1.2, -1.6], [np.nan, -1.7]),
        ("v", [-1.5], None),
    ):
        elbo = [-9.0] * 4 + late * 3  # four epochs of warm-up
        curve = pd.DataFrame({"epoch": range(1, len(elbo) + 1), "valid_elbo": elbo})
        if exact:
            curve[curves.EXACT] = [-8.0] * 4 + exact * 3
        method = "avb" if exact else "vampprior"
        folders.append(run(tmp_path / name, method, curve))
    scores = write(
        tmp_path,
        seeds("onehot", "avb", [-1.1, -1.3], metric="elbo", samples=1),
        seeds("onehot", "avb", [-1.40, -1.42], **EXACT),
        seeds("onehot", "vampprior", [-1.45], 50, metric="elbo", samples=1),
        seeds("onehot", "vampprior", [-1.4], 50),
    )
    output = [tmp_path / "onehot.csv", tmp_path / "onehot.md"]

    def products():
        onehot.main(
            arguments(
                *NAMED,
                *("--first-epoch", 5, "--scores", scores, "--runs", *folders),
                *("--csv", output[0], "--markdown", output[1]),
            )
        )
        return pd.read_csv(output[0]).set_index("prior"), output[1].read_text()

    return products


def lines(text):
    """The table's cells by their first."""
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| ")
    ]
    return {first: rest for first, *rest in cells}


def test_means_are_over_seeds_and_shares_over_their_epochs(made):
    table, _ = made()
    assert list(table.index) == ["avb", "vampprior"]
    avb = table.loc["avb"]
    assert (avb["elbo_n"], avb["exact_n"], avb["kept_exact_n"]) == (2, 2, 2)
    assert avb["elbo"] == pytest.approx((-1.5 - 1.4) / 2)
    assert avb["elbo_sd"] == pytest.approx(np.std([-1.5, -1.4], ddof=1))
    assert avb["exact"] == pytest.approx(-1.6)
    assert avb["above"] == 0.5
    assert avb["kept_elbo"] == pytest.approx(-1.2)
    assert avb["kept_exact"] == pytest.approx(-1.41)
    assert avb["kept_exact_sd"] == pytest.approx(0.01 * np.sqrt(2))


def test_what_was_not_computed_is_a_dash(made):
    table, text = made()
    assert table.loc["vampprior", ["kept_exact", "exact", "elbo_sd"]].isna().all()
    found = lines(text)
    none = [ABSENT] * 2
    assert found["VAE with VampPrior"] == [
        *("1", "-1.500", "0%", ABSENT, "-1.450"),
        *none,
    ]
    assert found["≈ AVB"][2:] == [
        *("50%", "-1.600 ± 0.141", "-1.200 ± 0.141", "-1.410 ± 0.014", ABSENT)
    ]


def test_how_many_seeds_a_number_has_is_said_where_it_lacks_some(made, tmp_path):
    made()
    path = tmp_path / "avb1/curve.csv"
    pd.read_csv(path).drop(columns=curves.EXACT).to_csv(path, index=False)
    table, text = made()
    assert table.loc["avb", "exact"] == pytest.approx(-1.5)
    assert lines(text)["≈ AVB"][3] == "-1.500 (n = 1)"


def test_what_is_kept_is_scored_on_test_data_alone(tmp_path):
    curve = pd.DataFrame({"epoch": [1, 2], "valid_elbo": [-2.0, -1.5]})
    folder = run(tmp_path / "run", "standard", curve)
    kind = {"metric": "elbo", "samples": 1}
    path = write(
        tmp_path,
        seeds("onehot", "standard", [-1.5], **kind),
        seeds("onehot", "standard", [-9.0], split="valid", **kind),
    )
    output = tmp_path / "o.csv"
    onehot.main(
        arguments(
            *NAMED,
            *("--first-epoch", 1, "--scores", path, "--runs", folder),
            *("--csv", output, "--markdown", tmp_path / "o.md"),
        )
    )
    row = pd.read_csv(output).iloc[0]
    assert (row["kept_elbo"], row["kept_elbo_n"]) == (-1.5, 1)
