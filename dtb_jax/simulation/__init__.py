"""Simulated people whose causes are known: brains, behaviour, BOLD, the truth and its ceilings."""
