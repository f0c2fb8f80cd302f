"""What users call, composed of rules."""
