"""The parts of the stand-in for pympler."""
