CREATE TRIGGER event_refuse_replace BEFORE INSERT ON events_event
WHEN EXISTS (SELECT 1 FROM events_event WHERE number = NEW.number)
BEGIN
    -- REPLACE deletes the old row. Triggers for DELETE run only if recursive_triggers is on.
    SELECT RAISE(ABORT, 'event_refuse_replace: there is an event with this number');
END
