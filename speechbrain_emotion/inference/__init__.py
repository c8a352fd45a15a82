"""Ready-to-use interfaces: load a trained model, recognise emotions."""
