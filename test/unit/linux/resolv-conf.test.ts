import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { resolvConf } from "../../../src/linux/resolv-conf.ts";

function setUp(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), "edge-resolv-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const etc = join(dir, "resolv.conf");
  const systemd = join(dir, "systemd.conf");
  const names = resolvConf({ dataDir: join(dir, "data"), etc, systemd });
  const pods = () => readFileSync(names.path({}), "utf8");
  const host = () => readFileSync(names.path({ hostNetwork: true }), "utf8");
  return { etc, systemd, names, pods, host };
}

test("the resolv.conf of pods has the name servers of the host", (t) => {
  const { etc, pods, host } = setUp(t);
  const text = "# by hand\nsearch lan\nnameserver 192.168.1.1\nnameserver 192.168.1.2\noptions ndots:2\n";
  writeFileSync(etc, text);
  assert.deepEqual([pods(), host()], [text, text]);
});

test("the local server of systemd-resolved is replaced by its upstream servers", (t) => {
  const { etc, systemd, pods, host } = setUp(t);
  writeFileSync(etc, "nameserver 127.0.0.53\noptions edns0\n");
  assert.deepEqual([pods(), host()], ["options edns0\n", "nameserver 127.0.0.53\noptions edns0\n"], "it is not there");
  writeFileSync(systemd, "nameserver 10.0.0.1\nnameserver fe80::1%eth0\n");
  assert.deepEqual([pods(), host()], ["nameserver 10.0.0.1\n", "nameserver 10.0.0.1\nnameserver fe80::1%eth0\n"]);
});

test("a name server on the host is only for pods in the host's network and is not replaced", (t) => {
  const { etc, pods, host } = setUp(t);
  const text = "nameserver 127.0.0.1\nnameserver ::1\nsearch lan\n";
  writeFileSync(etc, text);
  assert.deepEqual([pods(), host()], ["search lan\n", text]);
  writeFileSync(etc, `${text}nameserver 9.9.9.9\n`);
  assert.equal(pods(), "search lan\nnameserver 9.9.9.9\n");
});

test("the resolv.conf is rewritten in place, and only if it changed", (t) => {
  const { etc, names, pods } = setUp(t);
  writeFileSync(etc, "nameserver 192.168.100.100\nsearch a.very.long.name\n");
  const fd = openSync(names.path({}), "r");
  t.after(() => closeSync(fd));
  const before = statSync(names.path({}), { bigint: true });
  assert.equal(before.mode & 0o777n, 0o644n);
  names.refresh();
  assert.equal(statSync(names.path({}), { bigint: true }).mtimeNs, before.mtimeNs);
  writeFileSync(etc, "nameserver 10.1.1.1\n");
  names.refresh();
  const buffer = Buffer.alloc(100);
  assert.equal(buffer.toString("utf8", 0, readSync(fd, buffer, 0, 100, 0)), "nameserver 10.1.1.1\n");
  rmSync(etc);
  names.refresh();
  assert.equal(pods(), "nameserver 10.1.1.1\n", "a host that has none for a moment takes none away");
});

test("a host without resolv.conf gives an empty one, and an endless one is cut", (t) => {
  const { etc, pods } = setUp(t);
  assert.equal(pods(), "");
  writeFileSync(etc, `nameserver 10.1.1.1\n${"# x\n".repeat(100_000)}`);
  assert.equal(pods().length, 65_536);
});
