"""Reading pictures: from files, folders and what Python programs hold, to frames."""
