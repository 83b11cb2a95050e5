"""Streams: independent of company, of each other, and of the right distribution."""

import numpy as np
import pytest
import scipy.stats
import torch

from models.randomness import STREAMS, Streams, threshold


@pytest.mark.parametrize("draw", ["normal", "uniform", "permutation", "bernoulli"])
def test_alone_as_in_company(draw):
    def numbers(seeds):
        streams = Streams(seeds)
        if draw == "bernoulli":
            p = threshold(torch.linspace(0, 1, 37))
            return streams.bernoulli("noise", p, 37)
        return getattr(streams, draw)("noise", 37)

    together = numbers([5, 0, 3])
    for k, seed in enumerate([5, 0, 3]):
        assert torch.equal(together[k], numbers([seed])[0])


def test_streams_do_not_touch_each_other():
    quiet, busy = Streams([1]), Streams([1])
    for name in STREAMS:
        if name != "noise":
            busy.normal(name, 1000)
    assert torch.equal(quiet.normal("noise", 10), busy.normal("noise", 10))


def test_every_stream_and_seed_differs():
    streams = Streams(range(8))
    draws = torch.cat([streams.normal(name, 4) for name in STREAMS])
    assert len({tuple(row.tolist()) for row in draws}) == 8 * len(STREAMS)


def test_state_goes_on_where_it_was_taken():
    streams = Streams([0, 1])
    streams.normal("noise", 3)
    state = streams.state()
    expected = streams.normal("noise", 3)
    fresh = Streams([0, 1])
    fresh.restore(state)
    assert torch.equal(fresh.normal("noise", 3), expected)


def test_bernoulli_has_its_probability():
    p = torch.tensor([0.0, 0.004, 0.3, 0.5, 0.97, 1.0])
    n = 200_000
    draws = Streams([0]).bernoulli("binarise", threshold(p), n, 6)[0]
    assert set(draws.unique().tolist()) == {0.0, 1.0}
    for probability, ones in zip(p.tolist(), draws.sum(0).tolist(), strict=True):
        test = scipy.stats.binomtest(int(ones), n, probability)
        assert test.pvalue > 1e-4


def test_a_number_is_a_probability_as_a_tensors_element_is():
    for probability in (0.0, 0.3, 0.5, 0.97, 1.0):
        assert threshold(probability) == threshold(torch.tensor(probability)).item()


def test_bernoulli_pixels_are_independent():
    draws = Streams([0]).bernoulli("binarise", threshold(0.5), 20_000, 8)[0]
    correlation = np.corrcoef(draws.T.numpy()) - np.eye(8)
    assert np.abs(correlation).max() < 5 / np.sqrt(20_000)


def test_permutation_is_one():
    order = Streams([0, 1]).permutation("order", 50)
    for row in order:
        assert sorted(row.tolist()) == list(range(50))
    assert not torch.equal(order[0], order[1])


def test_a_stream_that_there_is_not_is_named():
    with pytest.raises(ValueError, match="stream 'flow': expected one of init, order"):
        Streams([0]).normal("flow", 3)
