"""How it is written down."""
