-- Generated from docs/databases.md by `make generate`.
GRANT USAGE ON SCHEMA public TO ledger_app;
-- SELECT lets `verify_ledger` see whether a sequence is behind.
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO ledger_app;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO ledger_app;
-- History: insert only. (Triggers write events_event with the rights of the owner.)
GRANT INSERT ON transfers_transfer, transfers_ledgerentry, accounts_accountchange,
    django_admin_log TO ledger_app;
-- An account's id, owner, kind and currency never change.
GRANT INSERT, UPDATE (owner_name, owner_name_folded, status, balance, held, overdraft_limit,
    version, hold_version, last_posted_at, metadata) ON accounts_account TO ledger_app;
-- What an approval asks for, and its requester, never change.
GRANT INSERT, UPDATE (status, decided_by_id, decided_at, note, transfer_id, change_id)
    ON approvals_approval TO ledger_app;
GRANT INSERT, UPDATE ON idempotency_idempotencykey TO ledger_app;
-- A service key's owner, secret, scopes and expiry never change.
GRANT INSERT, UPDATE (last_used_at, revoked_at, revoked_by_id, revoke_reason)
    ON service_keys_servicekey TO ledger_app;
GRANT INSERT, UPDATE, DELETE ON webhooks_endpoint, webhooks_delivery TO ledger_app;
GRANT INSERT, UPDATE, DELETE ON ledger_project_loginattempt, ledger_project_knownnetwork,
    token_blacklist_outstandingtoken, token_blacklist_blacklistedtoken, django_session,
    auth_user_groups, auth_user_user_permissions, auth_group, auth_group_permissions
    TO ledger_app;
-- Users are deactivated, never deleted.
GRANT INSERT, UPDATE ON auth_user TO ledger_app;
