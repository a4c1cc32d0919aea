import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { linuxClock, unknownBoot } from "../../../src/linux/clock.ts";
import { readFacts } from "../../../src/linux/node-facts.ts";

const none = { cpu: "0", memory: "0" };

/** A folder with the files of a small device; it is gone after the test. */
function device(t: { after(done: () => void): void }, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "facts-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

const table = (...rows: readonly (readonly [local: string, state: string])[]) =>
  [
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
    ...rows.map(
      ([local, state], i) =>
        `   ${i}: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${20_000 + i} 1`,
    ),
  ].join("\n");

test("allocatable is the capacity less the system's reserve", (t) => {
  const folder = device(t, {
    "proc/stat": "cpu  1 2\ncpu0 1 2\ncpu1 1 2\ncpu2 1 2\ncpu10 1 2\nintr 5\n",
    "proc/meminfo": "MemTotal:        8388608 kB\nMemFree: 1 kB\n",
    "dev/davinci0": "a file is no NPU",
  });
  const options = { proc: join(folder, "proc"), dev: join(folder, "dev") };
  assert.deepEqual(readFacts({ ...options, systemReserved: { cpu: "0.5", memory: "1024Mi" } }).allocatable, {
    cpu: "3500m",
    memory: "7Gi",
  });
  const all = readFacts({ ...options, dev: join(folder, "nothing"), systemReserved: { cpu: "5", memory: "9Gi" } });
  assert.deepEqual(all.allocatable, { cpu: "0", memory: "0" });
});

test("processors, memory and time since the boot are known without /proc", (t) => {
  const folder = device(t, {});
  const { cpu, memory } = readFacts({ proc: folder, dev: folder, systemReserved: none }).allocatable;
  assert.ok(Number(cpu) > 0);
  assert.match(memory ?? "", /^\d+[KMG]i$/);
  const clock = linuxClock(folder);
  assert.ok(clock.mono() > 0);
  assert.equal(clock.bootId(), unknownBoot);
  assert.notEqual(linuxClock().bootId(), unknownBoot);
});

test("listening ports are TCP sockets in LISTEN and unconnected UDP sockets of both families", (t) => {
  const folder = device(t, {
    "net/tcp": table(["0100007F:1F90", "0A"], ["0100007F:1F91", "01"], ["00000000:0016", "0A"]),
    "net/tcp6": table(["00000000000000000000000000000000:01BB", "0A"]),
    "net/udp": table(["00000000:0035", "07"], ["00000000:0036", "01"]),
  });
  assert.deepEqual(readFacts({ proc: folder, dev: folder, systemReserved: none }).listening, {
    tcp: [22, 443, 8080],
    udp: [53],
  });
});

test("listening ports are read when somebody asks for them, and once", (t) => {
  const folder = device(t, {});
  const facts = readFacts({ proc: folder, dev: folder, systemReserved: none });
  mkdirSync(join(folder, "net"), { recursive: true });
  writeFileSync(join(folder, "net/tcp"), table(["0100007F:1F90", "0A"]));
  assert.deepEqual(facts.listening.tcp, [8080]);
  writeFileSync(join(folder, "net/tcp"), table(["0100007F:1F91", "0A"]));
  assert.deepEqual(facts.listening.tcp, [8080]);
});

test("the real device has allocatable resources and reports a listening socket", async (t) => {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => server.close());
  const address = server.address();
  const facts = readFacts({ dev: "/dev", systemReserved: none });
  assert.ok(typeof address === "object" && address !== null && facts.listening.tcp.includes(address.port));
  assert.notEqual(facts.allocatable["cpu"], "0");
  assert.match(facts.allocatable["memory"] ?? "", /^\d+[KMG]i$/);
  assert.ok(facts.addresses.includes("127.0.0.1"));
});
