"""Recording, and the walk backward."""
