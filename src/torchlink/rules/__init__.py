"""What cannot be read off the bytes: data with its evidence, and its loaders."""
