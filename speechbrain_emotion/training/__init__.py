"""Training: the Brain, reproducible state, export and the model card."""
