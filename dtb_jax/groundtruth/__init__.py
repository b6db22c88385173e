"""Simulated imaging and people, labelled as such in every file."""
