"""What several tests share: problems, references, checks."""
