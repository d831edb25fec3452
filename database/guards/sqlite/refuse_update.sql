CREATE TRIGGER {name} BEFORE UPDATE ON {table}
BEGIN
    SELECT RAISE(ABORT, '{name}: {table} is append-only: rows cannot be updated');
END
