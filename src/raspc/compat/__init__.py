"""Running programs that were written for other systems."""
