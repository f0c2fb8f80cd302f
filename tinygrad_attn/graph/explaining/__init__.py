"""Where one gradient came from."""
