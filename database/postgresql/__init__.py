"""Django's PostgreSQL, whose connections are known to be alive without a question to the server."""
