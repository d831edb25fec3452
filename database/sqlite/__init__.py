"""Django's SQLite, whose file must be there, and must stay the one that was opened."""
