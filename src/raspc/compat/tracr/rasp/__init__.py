"""`tracr.rasp`: the language."""
