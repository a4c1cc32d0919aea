import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json as bodyOf } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { main } from "../../../src/cli/program.ts";

interface Posted {
  readonly metadata: { readonly name: string };
}

/** A device whose agent answers with this; the names of the pods that it was sent, and a way to call `edge`. */
async function device(t: TestContext, answer: (pod: Posted) => { readonly status: number; readonly body: object }) {
  const folder = mkdtempSync(join(tmpdir(), "apply-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const sent: string[] = [];
  const server = createServer((request, response) => {
    void bodyOf(request).then((value) => {
      const pod = value as Posted;
      sent.push(pod.metadata.name);
      const { status, body } = answer(pod);
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
  });
  t.after(() => server.close());
  await once(server.listen(join(folder, "edge.sock")), "listening");
  const config = join(folder, "edge.config.json");
  const settings = {
    node: { name: "edge-1" },
    center: { url: "wss://center.example/" },
    data: { dir: folder, runDir: folder },
  };
  writeFileSync(config, JSON.stringify(settings), { mode: 0o600 });
  const edge = async (...args: readonly string[]) => {
    const out: string[] = [];
    const err: string[] = [];
    const io = { out: (line: string) => void out.push(line), err: (line: string) => void err.push(line) };
    const code = await main(["--config", config, ...args], io);
    return { code, out, err };
  };
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  return { folder, config, sent, edge, write };
}

const fine = () => ({ status: 200, body: { message: "Pod is new", warnings: [] } });
const named = (name: string) => `metadata: {name: ${name}}\n`;

test("edge apply takes files with and without -f, folders, several documents and Lists", async (t) => {
  const { folder, sent, edge, write } = await device(t, fine);
  mkdirSync(join(folder, "pods"));
  mkdirSync(join(folder, "pods", "below.yaml"));
  for (const [name, text] of Object.entries({
    "pods/b.yml": named("b"),
    "pods/a.json": '{"metadata":{"name":"a"}}',
    "pods/notes.txt": "no pod",
    "pods/.hidden.yaml": named("hidden"),
    "two.yaml": `${named("c")}---\n# nothing\n---\n${named("d")}`,
    "list.json": JSON.stringify({ kind: "List", items: [{ metadata: { name: "e" } }, { metadata: { name: "f" } }] }),
  }))
    write(name, text);
  const at = (name: string) => join(folder, name);
  const { code, err } = await edge("apply", "--no-wait", "-f", at("pods"), at("two.yaml"), "-f", at("list.json"));
  assert.deepEqual([code, err, sent], [0, [], ["a", "b", "c", "d", "e", "f"]]);
  const bare = await edge("apply", at("two.yaml"), "--no-wait");
  assert.deepEqual([bare.code, sent.slice(6)], [0, ["c", "d"]]);
});

test("edge apply names the document that is refused, the folder without pods, and the file that is not there", async (t) => {
  const message = 'unknown field "zzz"; leave it out';
  const violations = [{ path: "zzz", rule: "field.unknown", message, value: null }];
  const warnings = [{ path: "metadata.labels", message: "metadata.labels are not kept by this device" }];
  const { folder, edge, write } = await device(t, ({ metadata }) =>
    metadata.name === "b" ? { status: 422, body: { code: "refused", violations, warnings } } : fine(),
  );
  mkdirSync(join(folder, "none"));
  const two = write("two.yaml", `${named("a")}---\n${named("b")}`);
  const broken = write("broken.yaml", `${named("a")}---\na: [`);
  const paths = [two, join(folder, "none"), join(folder, "gone.yaml"), broken];
  const { code, out, err } = await edge("apply", "--no-wait", "-f", ...paths);
  assert.deepEqual([code, out], [2, ["Pod is new"]]);
  assert.deepEqual(err.slice(0, 5), [
    `${two}, document 2: refused, 1 violation`,
    `  ✗ ${message}  [field.unknown]`,
    "  ! metadata.labels are not kept by this device",
    `${paths[1]}: no file in this folder ends in .yaml, .yml or .json`,
    `${paths[2]}: no such file or directory`,
  ]);
  assert.match(err[5] ?? "", /broken\.yaml: not valid YAML: Flow sequence .*line 3/);
});

for (const [rule, isOfPolicy] of [
  ["policy.privileged", true],
  ["policy.hostPath.protected", false],
  ["spec.containers.image", false],
] as const) {
  test(`edge apply ${isOfPolicy ? "names the file of the policy" : "names no policy"} after a violation of ${rule}`, async (t) => {
    const violations = [{ path: "", rule, message: "no", value: null }];
    const { config, edge, write } = await device(t, () => ({ status: 422, body: { code: "refused", violations } }));
    const file = write("web.yaml", named("web"));
    const { code, err } = await edge("apply", "-f", file);
    const policy = `The policy of this device is the key "policy" of ${config}. After a change of it: systemctl reload edge`;
    assert.deepEqual([code, err.slice(2)], [1, isOfPolicy ? [policy] : []]);
    assert.equal((await edge("--json", "apply", "-f", file)).err.length, 0);
  });
}

test("edge delete -f deletes the pods of every document, and does not take a file for a name", async (t) => {
  const { edge, write } = await device(t, fine);
  const two = write("two.yaml", `${named("a")}---\nspec: {}\n`);
  const { err } = await edge("delete", "-f", two);
  assert.ok(err.includes(`${two}, document 2: names no pod: metadata.name is missing`), err.join("\n"));
  const file = await edge("delete", "web.yaml");
  assert.deepEqual([file.code, file.err], [2, ["web.yaml is not the name of a pod. Write edge delete -f web.yaml"]]);
});
