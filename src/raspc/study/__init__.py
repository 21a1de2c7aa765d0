"""Studies of finished models: certificates in any precision, explanations, what each pass is worth."""
