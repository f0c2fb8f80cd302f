"""Formula, forward and vjp of every operation."""
