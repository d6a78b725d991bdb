"""Where documents come from: files, file systems, URLs, and what Python hands in."""
