CREATE TRIGGER approval_integers BEFORE INSERT ON approvals_approval
WHEN typeof(NEW.amount) <> 'integer' OR typeof(NEW.expires_in) NOT IN ('integer', 'null')
BEGIN
    SELECT RAISE(ABORT, 'approval_integers: amounts and seconds must be integers');
END
