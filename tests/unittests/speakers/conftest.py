"""The included speech model and a speaker that it knows."""

import pytest
from adaptable_model import load_adaptable


@pytest.fixture(scope="module")
def classifier():
    return load_adaptable()


@pytest.fixture(scope="module")
def clips(samples):
    """Six clips of one speaker."""
    return sorted(samples.glob("1001*.flac"))


@pytest.fixture(scope="module")
def profile(classifier, clips):
    return classifier.enroll(clips)
