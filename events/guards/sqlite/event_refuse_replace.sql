CREATE TRIGGER event_refuse_replace BEFORE INSERT ON events_event
WHEN EXISTS (SELECT 1 FROM events_event WHERE number = NEW.number)
BEGIN
    -- Unless the session sets recursive_triggers, REPLACE deletes rows without a DELETE trigger.
    SELECT RAISE(ABORT, 'event_refuse_replace: there is an event with this number');
END
