"""How a step is written."""
