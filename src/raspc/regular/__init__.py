"""Regular sets of inputs: expressions over tokens, and automata that say which inputs are in them."""
