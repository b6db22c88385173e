"""From a wish back to the connectome: directions, attribution, edits, trials, truth."""
