"""Twins that know more than a name tag: a population, what the connectome says, and the person."""
