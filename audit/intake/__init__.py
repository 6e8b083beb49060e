"""From a folder, a table or an archive as hospitals have them to a validation set a stranger can trust."""
