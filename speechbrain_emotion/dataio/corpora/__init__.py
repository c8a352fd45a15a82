"""Readers of speech emotion corpora in the layouts of their publishers."""

from .cremad import read_cremad
from .iemocap import read_iemocap
from .meacorpus import read_meacorpus
from .meld import read_meld
from .nemo import read_nemo
from .ravdess import read_ravdess
from .savee import read_savee
from .tess import read_tess
from .texts import read_texts

__all__ = [
    "read_cremad",
    "read_iemocap",
    "read_meacorpus",
    "read_meld",
    "read_nemo",
    "read_ravdess",
    "read_savee",
    "read_tess",
    "read_texts",
]
