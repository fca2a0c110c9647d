"""People: who is who over pictures, and what each person's own resting face is."""
