"""One module per vendor; the file name is the vendor's name."""
