"""`tracr.compiler`: from programs to models."""
