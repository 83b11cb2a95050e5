"""Figure 2 in numbers, from made curves and scores."""

import numpy as np
import pandas as pd
import pytest
from made import registry, seeds, write

from workflow.scripts import onehot
from workflow.scripts.tabular import ABSENT

EXACT = {"metric": "exact_log_likelihood", "samples": 0}


@pytest.fixture
def made(tmp_path):
    """Two seeds of AVB, half of whose ELBOs are too high, and one of the VampPrior."""
    files = {}
    for name, late in (("avb0", [-1.0, -2.0]), ("avb1", [-1.2, -1.6]), ("v", [-1.5])):
        elbo = [-9.0] * 4 + late * 3  # four epochs of warm-up
        epochs = np.arange(1, len(elbo) + 1)
        files[name] = tmp_path / f"{name}.csv"
        curve = pd.DataFrame({"epoch": epochs, "valid_elbo": elbo})
        curve.to_csv(files[name], index=False)
    scores = write(
        tmp_path,
        seeds("onehot", "avb", [-1.1, -1.3], metric="elbo", samples=1),
        seeds("onehot", "avb", [-1.40, -1.42], **EXACT),
        seeds("onehot", "vampprior", [-1.45], 50, metric="elbo", samples=1),
        seeds("onehot", "vampprior", [-1.4], 50),
    )
    output = [tmp_path / "onehot.csv", tmp_path / "onehot.md"]
    onehot.main(
        f"--registry {registry(tmp_path)} --first-epoch 5 --scores {scores} "
        f"--curves vampprior={files['v']} avb={files['avb0']} avb={files['avb1']} "
        f"--csv {output[0]} --markdown {output[1]}".split()
    )
    return pd.read_csv(output[0]).set_index("prior"), output[1].read_text()


def test_means_are_over_seeds_and_shares_over_their_epochs(made):
    table, _ = made
    assert list(table.index) == ["avb", "vampprior"]
    avb = table.loc["avb"]
    assert (avb["n"], avb["exact_n"]) == (2, 2)
    assert avb["elbo"] == pytest.approx((-1.5 - 1.4) / 2)
    assert avb["elbo_sd"] == pytest.approx(np.std([-1.5, -1.4], ddof=1))
    assert avb["above"] == 0.5
    assert avb["kept_elbo"] == pytest.approx(-1.2)
    assert avb["exact"] == pytest.approx(-1.41)
    assert avb["exact_sd"] == pytest.approx(0.01 * np.sqrt(2))


def test_what_was_not_computed_is_a_dash(made):
    table, text = made
    assert table.loc["vampprior", ["exact", "elbo_sd"]].isna().all()
    lines = {
        cells[0]: cells[1:]
        for line in text.splitlines()
        if line.startswith("| ")
        for cells in [[cell.strip() for cell in line.strip("|").split("|")]]
    }
    assert lines["VAE with VampPrior"] == ["1", "-1.500", "0%", "-1.450", "0", ABSENT]
    assert lines["≈ AVB"][2:] == ["50%", "-1.200 ± 0.141", "2", "-1.410 ± 0.014"]
