"""Whether two experiments differ: exact tests on the same clips."""

import itertools
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

ALPHA = 0.05


@dataclass(frozen=True)
class Comparison:
    """Two experiments on the clips that both answered.

    Arguments
    ---------
    first, second : str
        Names of the experiments.
    clips : int
        Number of clips that both answered.
    left_out : int
        Number of clips that only one of them answered.
    seeds : int
        Number of pairs of seeds.
    only_first, only_second : float
        Number of clips that only this experiment has right, the mean over
        seeds.
    p : float
        p-value of the test.
    corrected : float
        p-value after Holm's correction for all tests of the table.
    """

    first: str
    second: str
    clips: int
    left_out: int
    seeds: int
    only_first: float
    only_second: float
    p: float
    corrected: float

    @property
    def verdict(self):
        """Which is better, if that can be said."""
        if self.corrected >= ALPHA:
            return "not distinguishable"
        better = self.only_first > self.only_second
        return f"{self.first if better else self.second} is better"


def mcnemar(first, second):
    """McNemar's exact test of paired answers.

    Arguments
    ---------
    first, second : numpy.ndarray of bool
        Whether each clip is classified correctly, [n_clips].

    Returns
    -------
    tuple
        Number of clips that only the first has right, number of those that
        only the second has right, and the two-sided p-value.

    Example
    -------
    >>> mcnemar(np.array([True] * 6), np.array([False] * 6))
    (6, 0, 0.03125)
    """
    only_first = int((first & ~second).sum())
    only_second = int((second & ~first).sum())
    n_differ = only_first + only_second
    p = binomtest(only_first, n_differ).pvalue if n_differ else 1.0
    return only_first, only_second, float(p)


def holm(p_values):
    """Corrects p-values for the number of tests.

    Reference: Holm, Scandinavian Journal of Statistics 6, 1979.

    Arguments
    ---------
    p_values : list of float
        Of all tests.

    Returns
    -------
    list of float
        In the same order.

    Example
    -------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    p_values = np.asarray(p_values, dtype=float)
    order = p_values.argsort()
    factors = np.arange(len(p_values), 0, -1)
    steps = np.maximum.accumulate(factors * p_values[order]).clip(max=1)
    corrected = np.empty_like(steps)
    corrected[order] = steps
    return corrected.tolist()


def compare(experiments):
    """Tests every two experiments that can be compared.

    They can where protocol and labels are the same and both answered some
    clip. Seeds are compared one by one, and their one-sided p-values, of the
    experiment being better that is so on average, combined so that the result
    holds however they depend on each other (Rueger, 1978): of n the k-th
    smallest, times n / k. With k more than the half of n, most seeds must
    agree. Twice that is the two-sided p-value; of one seed it is McNemar's.

    Arguments
    ---------
    experiments : list of Experiment
        At least one.

    Returns
    -------
    comparisons : list of Comparison
        In the order of the experiments.
    reasons : dict
        Why others cannot be compared -> list of pairs of their names.
    """
    tested, reasons = [], defaultdict(list)
    for first, second in itertools.combinations(experiments, 2):
        try:
            tested.append((first, second, *_test(first, second)))
        except _NotComparable as reason:
            reasons[str(reason)].append((first.name, second.name))
    corrected = holm([results[-1] for *_, results in tested])
    return [
        Comparison(first.name, second.name, *counts, *results, p)
        for (first, second, counts, results), p in zip(tested, corrected)
    ], dict(reasons)


class _NotComparable(ValueError):
    """The message says why."""


def _test(first, second):
    """Clips, clips left out and pairs of seeds; then the results."""
    if first.split is None or second.split is None:
        raise _NotComparable("a protocol is unknown, without a split.json")
    if first.split != second.split:
        raise _NotComparable("their protocols differ")
    if first.labels != second.labels:
        raise _NotComparable("their labels differ")
    results, n_common, n_left_out = [], 0, 0
    pairs = _pair_seeds(first, second)
    for one, other in pairs:
        one, other = first.by_seed[one], second.by_seed[other]
        clips, i, j = np.intersect1d(
            one.clips, other.clips, assume_unique=True, return_indices=True
        )
        if not len(clips):
            raise _NotComparable("they have no test clip in common")
        if (one.true[i] != other.true[j]).any():
            raise _NotComparable("they take other labels of clips to be true")
        n_common = max(n_common, len(clips))
        n_left_out = max(n_left_out, len(one) + len(other) - 2 * len(clips))
        results.append(mcnemar(one.correct[i], other.correct[j]))
    # Numbers of clips that the one and that the other alone has right.
    wins = [result[:2] for result in results]
    only_first, only_second = np.mean(wins, axis=0).tolist()
    if only_first < only_second:
        wins = [counts[::-1] for counts in wins]
    return (n_common, n_left_out, len(wins)), (
        only_first,
        only_second,
        _combine([_one_sided(*counts) for counts in wins]),
    )


def _one_sided(more, less):
    """p-value of an experiment being better, by its clips and the other's."""
    n_differ = more + less
    if not n_differ:
        return 1.0
    return float(binomtest(more, n_differ, alternative="greater").pvalue)


def _combine(p_values):
    """The two-sided p-value of all seeds by the one-sided ones of each."""
    n, k = len(p_values), len(p_values) // 2 + 1
    return min(1.0, 2 * n / k * sorted(p_values)[k - 1])


def _pair_seeds(first, second):
    """The seeds that both have; where there is none, the first with the
    first and so on.
    """
    common = [seed for seed in first.by_seed if seed in second.by_seed]
    if common:
        return [(seed, seed) for seed in common]
    return list(zip(first.by_seed, second.by_seed))
