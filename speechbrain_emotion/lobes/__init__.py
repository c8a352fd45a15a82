"""Speech encoders and the assembled emotion model."""
