"""The graph at four levels."""
