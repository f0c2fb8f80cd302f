"""Pictures and pages, drawn from the plain data of `tinygrad_attn.graph`."""
