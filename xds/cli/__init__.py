"""The command line. One file holds the commands and their options; the others do what they say. Heavy imports stay inside functions."""
