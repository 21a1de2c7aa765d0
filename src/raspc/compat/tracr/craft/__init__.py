"""`tracr.craft`: linear algebra on named directions."""
