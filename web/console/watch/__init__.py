"""What staff should know of: anomalies that scans gave away, and what consumers report."""
