"""What the product does, each step in the caller's transaction: a service takes a Session, never commits, never calls out."""
