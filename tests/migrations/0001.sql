INSERT INTO users (id, email, email_key, name, password_hash, timezone, disabled_at, rev, created_at) VALUES
 ('11111111111141118111111111111111', 'Ann@example.org', 'ann@example.org', 'Ann Ärger', '$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAA', 'Europe/Berlin', NULL, 3, '2026-01-02 03:04:05.678901'),
 ('22222222222242228222222222222222', 'bob@example.org', 'bob@example.org', '', '$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAA', 'UTC', '2026-02-03 04:05:06.000000', 1, '2026-01-02 03:04:05.678901');
INSERT INTO sign_ins (id, user_id, kind, client_id, scope, label, user_agent, ip, created_at, last_seen_at, auth_time, seq, rotated_at, idle_until, expires_at, revoked_at, revoke_reason) VALUES
 ('33333333333373338333333333333333', '11111111111141118111111111111111', 'web', 'taskward-web', 'tasks:read tasks:write account', 'Firefox on Linux', 'Mozilla/5.0', '192.0.2.1', '2026-01-02 03:04:05.000000', '2026-01-02 03:04:05.000000', '2026-01-02 03:04:05.000000', 7, '2026-01-02 03:04:05.000000', '2126-02-01 03:04:05.000000', '2126-04-02 03:04:05.000000', NULL, NULL);
INSERT INTO blocked_tokens (jti, expires_at) VALUES ('a-token', '2126-01-02 03:04:05.000000');
INSERT INTO security_events (id, created_at, event, user_id, sign_in_id, ip, request_id, device, detail) VALUES
 ('44444444444474448444444444444444', '2026-01-02 03:04:05.000000', 'authn_login_success', '11111111111141118111111111111111', '33333333333373338333333333333333', '192.0.2.1', 'abc', 'Firefox on Linux', '{"kind": "web"}'),
 ('55555555555575558555555555555555', '2026-01-02 03:04:06.000000', 'authn_login_fail', NULL, NULL, '2001:db8::1', 'def', '', '{}');
INSERT INTO tasks (id, user_id, title, notes, priority, due_date, due_time, due_sort, tags, completed_at, deleted_at, created_at, updated_at, rev) VALUES
 ('66666666666676668666666666666666', '11111111111141118111111111111111', 'ÄRGER beim Amt', 'Zeile 1', 3, '2026-11-30', '14:30:00.000000', '2026-11-30T14:30', '["home", "b"]', NULL, NULL, '2026-01-02 03:04:05.000000', '2026-01-02 03:04:05.000000', 2),
 ('77777777777777778777777777777777', '11111111111141118111111111111111', 'In the trash', '', 0, NULL, NULL, '9999-12-31T99:99', '[]', '2026-01-03 03:04:05.000000', '2026-01-04 03:04:05.000000', '2026-01-02 03:04:05.000000', '2026-01-04 03:04:05.000000', 3),
 ('88888888888878888888888888888888', '22222222222242228222222222222222', 'Of Bob', '', 0, NULL, NULL, '9999-12-31T99:99', '[]', NULL, NULL, '2026-01-02 03:04:05.000000', '2026-01-02 03:04:05.000000', 1);
INSERT INTO task_tags (task_id, name, user_id) VALUES
 ('66666666666676668666666666666666', 'home', '11111111111141118111111111111111'),
 ('66666666666676668666666666666666', 'b', '11111111111141118111111111111111');
