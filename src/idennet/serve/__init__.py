"""The page and the interface for programs: pictures, clips and cameras over HTTP, in one process."""
