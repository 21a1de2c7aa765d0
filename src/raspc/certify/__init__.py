"""What is known of a compiled model: checked against the interpreter, and proved by margins."""
