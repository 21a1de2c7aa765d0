"""What can be read of each variable, and how exactly, before any neurons are made."""
