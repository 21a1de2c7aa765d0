"""Number formats, and what a compile was asked for."""
