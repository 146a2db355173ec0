"""Another secret key: what is sealed and hashed with the one before is brought to the new one, while everything runs."""
