"""Guard: did a change make it slower? A verdict on two commits, and suspects in the history."""
