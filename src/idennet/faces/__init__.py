"""Reading pictures, finding faces, landmarks, alignment."""
