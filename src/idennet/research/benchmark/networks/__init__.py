"""Networks of the compared systems."""
