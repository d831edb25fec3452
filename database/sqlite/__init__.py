"""Django's SQLite backend, which requires the file to exist and notices if it is replaced."""
