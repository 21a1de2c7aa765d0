"""The plan of a model: what is stored, computed and scored, and where; made once in a compile."""
