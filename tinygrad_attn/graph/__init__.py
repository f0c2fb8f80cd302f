"""Pictures of what was computed, written by ourselves: no dependency."""

from .attention import attention_svg as attention_svg
