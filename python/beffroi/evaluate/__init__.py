"""Measuring: what the engine says of recordings against what other people saw in them."""
