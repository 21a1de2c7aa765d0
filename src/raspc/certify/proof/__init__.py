"""Proving: bounds on what each weight can make of each value, and a link for every decision."""
