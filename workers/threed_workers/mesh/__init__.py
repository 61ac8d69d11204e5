"""Transforms of geometry: arrays in, arrays out, one per file."""
