"""Every model that predicts a cohort: twins, regressions, baselines, surrogates, oracles."""
