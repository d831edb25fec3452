CREATE TRIGGER {name} BEFORE DELETE ON {table}
BEGIN
    SELECT RAISE(ABORT, '{name}: {table} is append-only: rows cannot be deleted');
END
