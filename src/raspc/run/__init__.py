"""Running a transformer: one forward pass, which every framework takes from here."""
