"""Django's PostgreSQL backend, with required settings, a timeout and a cheaper health check."""
