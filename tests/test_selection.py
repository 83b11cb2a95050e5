"""Which scores make a Table 2, and what is refused."""

import pytest
from made import (
    MNIST,
    cells,
    row,
    seeds,
    write,
)
from test_table2 import run_table2


def test_only_the_k_and_s_asked_for_count(tmp_path):
    path = write(
        tmp_path,
        *MNIST,
        seeds("mnist", "vampprior", [-70.0, -71.0], 50),
        seeds("mnist", "standard", [-80.0, -81.0], samples=1000),
    )
    asked = [field.replace("-500", "-50") for field in cells("mnist")]
    frame, *_ = run_table2(tmp_path, path, asked)
    assert frame["mean"].tolist() == pytest.approx([-85.84, -70.5, -83.21])
    frame, *_ = run_table2(tmp_path, path, [*asked[:-1], "1000"])
    assert frame["mean"].tolist()[0] == -80.5
    assert frame["n"].tolist() == [2, 0, 0]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["mnist=standard"], "'mnist=standard', expected DATASET/METHOD"),
        (["mnist/map"], "'map', expected one of standard, avb, vampprior-K, iop"),
        (["mnist/vampprior"], "'vampprior', expected one of"),
        (["mnist/iop-50"], "'iop-50', expected one of"),
        (["mnist/vampprior-5", "mnist/vampprior-50"], "mnist has two of vampprior"),
        (["mnist/iop", "mnist/standard", "onehot/iop"], "onehot lacks standard"),
    ],
)
def test_wrong_cells_are_named(tmp_path, capsys, asked, words):
    more = ["--cells", *asked, "--importance-samples", "10"]
    with pytest.raises(SystemExit) as end:
        run_table2(tmp_path, write(tmp_path, *MNIST), more)
    assert words in f"{end.value} {capsys.readouterr().err}"


def test_other_metrics_and_splits_stay_out(tmp_path):
    path = write(
        tmp_path,
        MNIST[0],
        seeds("mnist", "standard", [0.0] * 8, metric="elbo", samples=1),
        seeds("mnist", "standard", [0.0] * 8, split="valid"),
    )
    frame, *_ = run_table2(tmp_path, path, cells("mnist"))
    assert frame.loc[0, ["n", "mean"]].tolist() == pytest.approx([8, -85.84])


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ([row("mnist", "iop", 0, "nan")], "line 2, column 'value' is 'nan'"),
        ([row("mnist", "map", 0, 1)], "line 2, column 'prior' is 'map', expected one"),
        ([row("mnist", "iop", "1e30", 1)], "line 2, column 'seed' is '1e30'"),
        ([row("mnist", "iop", 0, 1, 500)], "column 'components' is 500"),
        ([row("mnist", "vampprior", 0, 1)], "column 'components' is None"),
        ([row("mnist", "iop", 0, 1, diverged="no")], "column 'diverged' is 'no'"),
        ([row("mnist", "iop", 0, 1)] * 2, "a second row for dataset mnist"),
        (
            [row("mnist", "iop", 0, 1), row("mnist", "iop", 1, 1, data_digest="x")],
            "'data_digest' of mnist is mnist and x",
        ),
    ],
)
def test_bad_scores_end_with_one_line(tmp_path, bad, words):
    path = write(tmp_path, bad)
    with pytest.raises(SystemExit) as end:
        run_table2(tmp_path, path, cells("mnist"))
    message = str(end.value)
    assert words in message
    assert str(path) in message
    assert "\n" not in message


def test_wrong_files_and_names_end_with_one_line(tmp_path):
    short = tmp_path / "short.csv"
    short.write_text("dataset,prior\nmnist,iop\n")
    empty = tmp_path / "empty.csv"
    empty.touch()
    trailing = tmp_path / "trailing.csv"
    trailing.write_text("dataset,prior\nmnist,iop,\n")
    for path, dataset, words in (
        (short, "mnist", "column 'components' is missing"),
        (empty, "mnist", "not a CSV file"),
        (trailing, "mnist", "rows have more fields than the header names"),
        (tmp_path / "absent.csv", "mnist", "No such file"),
        (write(tmp_path, *MNIST), "cifar", "dataset 'cifar' is not in the registry"),
    ):
        with pytest.raises(SystemExit, match=words):
            run_table2(tmp_path, path, cells(dataset))
    assert not list(tmp_path.glob("table2.*"))


def test_the_line_of_provenance_names_every_source_of_what_is_shown(tmp_path):
    """Of other datasets and priors none; what is not said is unknown."""
    path = write(
        tmp_path,
        MNIST[0],
        seeds("mnist", "vampprior", [-84.0, -83.0], 500, commit="fedcba987654"),
        seeds("mnist", "iop", [-83.0], device="NVIDIA H100", precision=""),
        seeds("mnist", "avb", [-83.0], commit="not shown"),
        seeds("onehot", "standard", [-1.0], commit="nor this"),
    )
    *_, markdown, _ = run_table2(tmp_path, path, cells("mnist"))
    assert (
        "Scores: commit 0123456789ab, fedcba987654; device NVIDIA H100, cpu; torch "
        "2.13.0; precision float32, unknown." in " ".join(markdown.split())
    )
