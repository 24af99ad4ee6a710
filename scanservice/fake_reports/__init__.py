"""Reports by consumers: "I think this is a fake", bound to a real scan, with photos, answered by the brand."""
