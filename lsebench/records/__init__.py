"""What is stored: every file of ours beside asv's, read and written here."""
