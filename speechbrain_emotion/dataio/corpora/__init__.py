"""Readers of speech emotion corpora in the layouts of their publishers."""

from .nemo import read_nemo
from .ravdess import read_ravdess
from .tess import read_tess
from .texts import read_texts

__all__ = ["read_nemo", "read_ravdess", "read_tess", "read_texts"]
