"""What ``services.imports`` is made of: reading files, columns and cells, and one module for each kind of row."""
