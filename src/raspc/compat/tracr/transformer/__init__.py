"""`tracr.transformer`: what compiled models are made of."""
