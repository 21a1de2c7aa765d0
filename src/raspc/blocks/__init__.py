"""Heads and neurons on named spaces, in rooms that import in this order:

- `reading`: what can be read of each variable, and how exactly, before any neurons are made;
- `scores`: every selector as a penalty, and the best one for each head;
- `neurons`: designs that compute a function, and the choice among them;
- `storage`: what is stored of each variable, for whom and why;

then lowering, which makes the blocks, and the block interpreter (oracle 2).
"""
