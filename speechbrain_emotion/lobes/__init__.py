"""Speech and text encoders, and the models assembled from them."""
