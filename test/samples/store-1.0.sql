-- What a program of schema 1.0 left on a device, written down once and never changed: every later program opens it.
-- device.key: 654391818815b7d3 nGxWco2r/NA/e5s3XlWN1JWJdBHdN1/lNh/DntrZtzI=
PRAGMA application_id = 1701078885;
PRAGMA user_version = 1000;
BEGIN;
CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE desired_pods (
  namespace TEXT NOT NULL, name TEXT NOT NULL, uid TEXT NOT NULL,
  pod TEXT NOT NULL,
  previous_pod TEXT,
  generation INTEGER NOT NULL,
  accepted_wall REAL NOT NULL, accepted_mono REAL NOT NULL, accepted_boot TEXT NOT NULL,
  message_id TEXT NOT NULL, content_hash TEXT NOT NULL,
  PRIMARY KEY (namespace, name)
) STRICT;
CREATE TABLE leaving_pods (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('deleted', 'superseded')),
  namespace TEXT NOT NULL, name TEXT NOT NULL, uid TEXT NOT NULL,
  pod TEXT,
  generation INTEGER NOT NULL,
  grace_seconds INTEGER NOT NULL,
  since_wall REAL NOT NULL, since_mono REAL NOT NULL, since_boot TEXT NOT NULL,
  accepted_wall REAL NOT NULL, accepted_mono REAL NOT NULL, accepted_boot TEXT NOT NULL,
  deletion_timestamp TEXT NOT NULL,
  message_id TEXT NOT NULL,
  gone INTEGER NOT NULL
) STRICT;
CREATE TABLE deleted_pods (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  uid TEXT NOT NULL UNIQUE,
  resource_version TEXT NOT NULL
) STRICT;
CREATE TABLE histories (uid TEXT PRIMARY KEY, history TEXT NOT NULL) STRICT;
CREATE TABLE statuses (
  uid TEXT PRIMARY KEY, namespace TEXT NOT NULL, name TEXT NOT NULL, status TEXT NOT NULL
) STRICT;
CREATE TABLE replies (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  message_id TEXT NOT NULL, operation TEXT NOT NULL, resource TEXT NOT NULL, content_hash TEXT NOT NULL,
  reply TEXT NOT NULL,
  UNIQUE (message_id, operation, resource, content_hash)
) STRICT;
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('reply', 'record')),
  text TEXT NOT NULL,
  bytes INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_records ON outbox (id) WHERE kind = 'record';
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  at_wall REAL NOT NULL, at_mono REAL NOT NULL, at_boot TEXT NOT NULL,
  first_wall REAL NOT NULL, count INTEGER NOT NULL, told INTEGER NOT NULL, untold_wall REAL NOT NULL,
  type TEXT NOT NULL, pod TEXT NOT NULL, container TEXT NOT NULL, reason TEXT NOT NULL, message TEXT NOT NULL,
  bytes INTEGER NOT NULL
) STRICT;
CREATE TABLE credentials (
  name TEXT PRIMARY KEY, resource_version TEXT NOT NULL,
  key_id TEXT NOT NULL, sealed BLOB NOT NULL,
  updated_wall REAL NOT NULL, updated_mono REAL NOT NULL, updated_boot TEXT NOT NULL
) STRICT;
CREATE TABLE config_maps (
  name TEXT PRIMARY KEY, resource_version TEXT NOT NULL,
  key_id TEXT NOT NULL, sealed BLOB NOT NULL,
  updated_wall REAL NOT NULL, updated_mono REAL NOT NULL, updated_boot TEXT NOT NULL
) STRICT;
CREATE TABLE npu_allocations (
  device TEXT PRIMARY KEY, uid TEXT NOT NULL, container TEXT NOT NULL,
  allocated_wall REAL NOT NULL, allocated_mono REAL NOT NULL, allocated_boot TEXT NOT NULL
) STRICT;
INSERT INTO facts VALUES ('installId', '11111111-2222-4333-8444-555555555555');
INSERT INTO desired_pods VALUES ('websocket', 'a', 'uid-a', '{"id":{"namespace":"websocket","name":"a","uid":"uid-a"},"metadata":{"name":"a","namespace":"websocket","uid":"uid-a","resourceVersion":"1"},"spec":{"containers":[{"name":"app","image":"app:1.0","imagePullPolicy":"IfNotPresent","resources":{"limits":{},"requests":{}},"securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["All"]},"privileged":false,"readOnlyRootFilesystem":true,"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"}],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","enableServiceLinks":false,"schedulerName":"default-scheduler","securityContext":{},"serviceAccountName":"default"}}', NULL, 0, 1700000000123.0, 4567.25, 'boot-1', 'm1', 'h1');
INSERT INTO desired_pods VALUES ('websocket', 'b', 'uid-b', '{"id":{"namespace":"websocket","name":"b","uid":"uid-b"},"metadata":{"name":"b","namespace":"websocket","uid":"uid-b","resourceVersion":"1"},"spec":{"containers":[{"name":"app","image":"app:2.0","imagePullPolicy":"IfNotPresent","resources":{"limits":{},"requests":{}},"securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["All"]},"privileged":false,"readOnlyRootFilesystem":true,"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"}],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","enableServiceLinks":false,"schedulerName":"default-scheduler","securityContext":{},"serviceAccountName":"default"}}', '{"id":{"namespace":"websocket","name":"b","uid":"uid-b"},"metadata":{"name":"b","namespace":"websocket","uid":"uid-b","resourceVersion":"1"},"spec":{"containers":[{"name":"app","image":"app:1.0","imagePullPolicy":"IfNotPresent","resources":{"limits":{},"requests":{}},"securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["All"]},"privileged":false,"readOnlyRootFilesystem":true,"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"}],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","enableServiceLinks":false,"schedulerName":"default-scheduler","securityContext":{},"serviceAccountName":"default"}}', 1, 1700000000123.0, 4567.25, 'boot-1', 'm1', 'h1');
INSERT INTO leaving_pods VALUES (1, 'deleted', 'websocket', 'c', 'uid-c', '{"id":{"namespace":"websocket","name":"c","uid":"uid-c"},"metadata":{"name":"c","namespace":"websocket","uid":"uid-c","resourceVersion":"1"},"spec":{"containers":[{"name":"app","image":"app:1.0","imagePullPolicy":"IfNotPresent","resources":{"limits":{},"requests":{}},"securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["All"]},"privileged":false,"readOnlyRootFilesystem":true,"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"}],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","enableServiceLinks":false,"schedulerName":"default-scheduler","securityContext":{},"serviceAccountName":"default"}}', 2, 30, 1700000000123.0, 4567.25, 'boot-1', 1700000000123.0, 0.0, 'boot-1', '2026-01-01T00:00:30Z', 'm2', 0);
INSERT INTO deleted_pods VALUES (1, 'uid-d', '7');
INSERT INTO histories VALUES ('uid-a', '{"app":{"attempt":3,"podHash":"p","specHash":"s","generation":1,"current":{"id":"c1","startedAt":"2026-01-01T00:00:00Z","seenRunning":{"wall":1700000000123,"mono":4567.25,"bootId":"boot-1"},"session":"e1"},"termination":null,"lastTermination":null,"backoffLevel":2,"diedAt":{"wall":1700000000123,"mono":4567.25,"bootId":"boot-1"},"failure":null,"pinnedImage":{"name":"app:1.0","id":"sha256:1","pulledFor":"s"}}}');
INSERT INTO statuses VALUES ('uid-a', 'websocket', 'a', '{"phase":"Running"}');
INSERT INTO replies VALUES (1, 'm1', 'update', 'websocket/pod/a', 'h', 'OK');
INSERT INTO outbox VALUES (1, 'reply', '{"content":"OK"}', 16);
INSERT INTO outbox VALUES (2, 'record', '{}', 2);
INSERT INTO events VALUES (2, 1700000001123.0, 5567.25, 'boot-1', 1700000000123.0, 2, 0, 1700000000123.0, 'Normal', 'websocket/a', 'app', 'Started', 'Started container app', 138);
INSERT INTO credentials VALUES ('registry', '', '654391818815b7d3', X'0D67A03E3EECD8B69A50AE3DE198656F604986481110CDE8F97B30E2059C3ABB98FED00D0F1BF1BC', 1700000000123.0, 4567.25, 'boot-1');
INSERT INTO config_maps VALUES ('settings', '', '654391818815b7d3', X'39F82ACA3A395FA847BB6C1A47592E7DBD2E19CE05854EE0AB2CFCADA374069788E5CBFEE4', 1700000000123.0, 4567.25, 'boot-1');
COMMIT;
