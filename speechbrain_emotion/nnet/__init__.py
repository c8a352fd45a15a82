"""Small neural modules: tensors and relative lengths in, tensors out."""
