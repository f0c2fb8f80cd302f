"""What numbers live in."""
