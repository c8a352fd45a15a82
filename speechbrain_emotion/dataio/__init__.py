"""Corpora, labels and splits, and the manifests made from them."""
