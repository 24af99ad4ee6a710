"""Labels: templates of what stands where on a label and a sheet, their pictures, and sheets of them as PDF."""
