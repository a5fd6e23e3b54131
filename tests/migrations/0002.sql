INSERT INTO login_throttles (key, failures, blocked_until, expires_at) VALUES ('a-digest', 6, '2026-01-02 03:04:05.000000', '2126-01-02 03:04:05.000000');
INSERT INTO oauth_clients (id, name, secret_digest, scope, introspects, created_at, revoked_at) VALUES
 ('client_1', 'Reports', 'abc', 'tasks:read', TRUE, '2026-01-02 03:04:05.000000', NULL),
 ('client_2', 'Desktop', NULL, 'tasks:read tasks:write', FALSE, '2026-01-02 03:04:05.000000', '2026-01-05 03:04:05.000000');
INSERT INTO signing_keys (kid, algorithm, sealed, created_at, activates_at, retired_at) VALUES ('a-kid', 'ES256', 'sealed', '2026-01-02 03:04:05.000000', '2026-01-02 03:06:05.000000', '2026-01-03 03:04:05.000000');
