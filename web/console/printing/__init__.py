"""The console's pages about printing: label templates, printer partners, and the packages that they are given."""
