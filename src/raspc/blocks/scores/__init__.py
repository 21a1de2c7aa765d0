"""How heads score: every selector as a penalty that is 0 where it selects and at most −1 elsewhere."""
