"""Predictions against data: cross-validation, metrics, ceilings, evidence, verdicts."""
