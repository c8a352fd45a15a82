"""Whether probabilities can be believed: calibration."""

from dataclasses import dataclass

import numpy as np

N_BINS = 15


@dataclass(frozen=True, eq=False)
class Calibration:
    """How the probabilities of the answers compare to how often they are right.

    Reference: Guo et al., On Calibration of Modern Neural Networks, ICML 2017.

    Arguments
    ---------
    sizes : numpy.ndarray of int
        Number of answers in each of 15 bins of equal width between the
        probabilities 0 and 1, a bin including its upper edge.
    confidence : numpy.ndarray
        Mean probability of the answers of each bin, 0 for empty ones.
    accuracy : numpy.ndarray
        Share of them that is right, 0 for empty ones.
    log_loss : float
        Mean of -log(probability of the true class).
    brier : float
        Mean over clips of the sum of squared errors of the probabilities,
        from 0 to 2.

    Example
    -------
    >>> calibration = Calibration.of(
    ...     np.array([[0.9, 0.1], [0.9, 0.1]]), predicted=[0, 0], true=[0, 1]
    ... )
    >>> round(calibration.error, 3), round(calibration.brier, 3)
    (0.4, 0.82)
    """

    sizes: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    log_loss: float
    brier: float

    @classmethod
    def of(cls, probabilities, predicted, true):
        """Measures calibration.

        Arguments
        ---------
        probabilities : numpy.ndarray
            Of each class, [n_clips, n_classes].
        predicted : numpy.ndarray of int
            The answers, [n_clips].
        true : numpy.ndarray of int
            True class, [n_clips].

        Returns
        -------
        Calibration
        """
        rows, true = np.arange(len(true)), np.asarray(true)
        confidence = probabilities[rows, predicted]
        edges = np.arange(1, N_BINS) / N_BINS
        bins = np.searchsorted(edges, confidence, side="left")
        sizes = np.bincount(bins, minlength=N_BINS)
        sums = [
            np.bincount(bins, weights=values, minlength=N_BINS)
            for values in (confidence, np.equal(predicted, true))
        ]
        means = [total / np.maximum(sizes, 1) for total in sums]
        targets = np.zeros_like(probabilities)
        targets[rows, true] = 1
        # A rounded 0 is not an infinite loss.
        smallest = np.finfo(float).eps
        likelihood = np.maximum(probabilities[rows, true], smallest)
        return cls(
            sizes,
            *means,
            log_loss=float(-np.log(likelihood).mean()),
            brier=float(((probabilities - targets) ** 2).sum(axis=1).mean()),
        )

    @property
    def error(self):
        """Expected calibration error: the mean distance of confidence and
        accuracy over bins, weighted by their size. 0 is best.
        """
        gaps = np.abs(self.confidence - self.accuracy)
        return float(np.average(gaps, weights=self.sizes))

    def to_dict(self):
        """Gives everything in the types of JSON.

        Returns
        -------
        dict
        """
        return {
            "expected_calibration_error": self.error,
            "log_loss": self.log_loss,
            "brier": self.brier,
            "bins": {
                "sizes": self.sizes.tolist(),
                "confidence": self.confidence.tolist(),
                "accuracy": self.accuracy.tolist(),
            },
        }

    def plot(self, path):
        """Draws the reliability diagram: accuracy over confidence, and how
        many answers there are of each confidence.

        Arguments
        ---------
        path : str or Path
            Image file to write; its suffix gives the format.
        """
        # Here, as matplotlib is slow to import; without pyplot, as that
        # would choose a backend for the whole process.
        from matplotlib.figure import Figure

        figure = Figure(figsize=(4.5, 5.5), layout="constrained")
        upper, lower = figure.subplots(
            2, sharex=True, gridspec_kw={"height_ratios": [4, 1]}
        )
        centres = (np.arange(N_BINS) + 0.5) / N_BINS
        width = 0.9 / N_BINS
        filled = self.sizes > 0
        upper.bar(centres[filled], self.accuracy[filled], width, label="right")
        upper.plot(
            self.confidence[filled],
            self.confidence[filled],
            "k_",
            label="expected",
        )
        upper.plot([0, 1], [0, 1], color="grey", linestyle=":")
        upper.set(xlim=(0, 1), ylim=(0, 1), ylabel="accuracy")
        upper.set_title(f"expected calibration error {100 * self.error:.1f} %")
        upper.legend(loc="upper left")
        lower.bar(centres, self.sizes, width, color="grey")
        lower.set(xlabel="probability of the answer", ylabel="answers")
        figure.savefig(path, dpi=150)
