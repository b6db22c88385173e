"""Edits of everybody in a cohort, and the in-silico trial of them."""
