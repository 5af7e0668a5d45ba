"""How each kind of step begins and what an answer does to it: one file per family."""
