"""The warranty tracker that a managed service provider runs behind its help desk."""

__version__ = "0.1.0"
