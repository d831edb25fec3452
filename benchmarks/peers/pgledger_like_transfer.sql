-- The load on pgledger_like.sql, for pgbench.
\set source random(1, 1000)
\set dest 1 + (:source + random(0, 998)) % 1000
\set amount random(1, 100)
SELECT create_transfer(
    (SELECT id FROM account WHERE number = :source),
    (SELECT id FROM account WHERE number = :dest),
    :amount);
