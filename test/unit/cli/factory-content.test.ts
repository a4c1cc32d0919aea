import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import { stringify } from "yaml";
import { factoryProblems } from "../../../src/cli/factory-content.ts";
import { sampleArchive } from "../../samples/image-archive.ts";
import { factoryPod } from "../../samples/messages.ts";

/** The folder of an image, files beside it, and what is wrong with them. */
function workbench(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "edge-factory-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const root = join(folder, "root");
  function file(name: string, content: string | Buffer): string {
    const path = join(folder, name);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, content);
    return path;
  }
  async function problems({ pods = [], images = [] }: { readonly pods?: string[]; readonly images?: string[] }) {
    const lines = await factoryProblems({ pods, images }, root);
    return lines.map((line) => line.replaceAll(`${folder}/`, ""));
  }
  return { file, problems };
}

const web = JSON.stringify(factoryPod("web"));

test("a pod is not judged by the size and the addresses of the machine that builds an image", async (t) => {
  const { file, problems } = workbench(t);
  const pod = factoryPod("web") as { readonly spec: { readonly containers: [object] } };
  const ports = [{ containerPort: 80, hostPort: 8080, protocol: "TCP", hostIP: "192.0.2.7" }];
  const big = { limits: { cpu: "900", memory: "900Gi" }, requests: { cpu: "900", memory: "900Gi" } };
  const containers = [{ ...pod.spec.containers[0], ports, resources: big }];
  const yaml = stringify({ ...pod, spec: { ...pod.spec, containers } });
  assert.deepEqual(await problems({ pods: [file("web.json", web), file("big.yaml", yaml)] }), []);
});

test("a pod is judged by the policy of the image's configuration, also while that lacks the center's address", async (t) => {
  const { file, problems } = workbench(t);
  const pod = factoryPod("web") as { readonly spec: object };
  const named = file("host.json", JSON.stringify({ ...pod, spec: { ...pod.spec, hostPID: true } }));
  const [head, line = "", ...more] = await problems({ pods: [named] });
  assert.deepEqual([head, more], ["host.json: refused, 1 violation", []]);
  assert.match(line, /^ {2}✗ spec\.hostPID is true/);
  const config = { node: { name: "edge-1" }, center: { url: "" }, policy: { hostPid: true } };
  file("root/etc/edge/edge.config.json", JSON.stringify(config));
  assert.deepEqual(await problems({ pods: [named] }), []);
});

test("a file that is no factory pod is refused with the reason", async (t) => {
  const { file, problems } = workbench(t);
  const pods = [
    file("web.txt", web),
    file(".web.json", web),
    file("half.json", web.slice(0, 40)),
    file("empty.yaml", ""),
    file("kind.json", web.replace('"Pod"', '"Deployment"')),
    "missing.json",
  ];
  const lines = await problems({ pods });
  const expected = [
    /^web\.txt cannot be used: the name of a factory pod's file ends in /,
    /^\.web\.json cannot be used: the name of a factory pod's file ends in /,
    /^half\.json cannot be used: not valid JSON/,
    /^empty\.yaml cannot be used: empty; expected a Pod$/,
    /^kind\.json: refused, 1 violation$/,
    /^ {2}✗ kind Deployment is not supported; only Pod is/,
    /^missing\.json cannot be used: cannot be read: ENOENT/,
  ];
  assert.equal(lines.length, expected.length, lines.join("\n"));
  for (const [index, pattern] of expected.entries()) assert.match(lines[index] ?? "", pattern);
});

test("a file that is no archive of named images is refused with the reason", async (t) => {
  const { file, problems } = workbench(t);
  const { bytes } = sampleArchive({ names: ["edge.test/app:1"] });
  const unnamed = sampleArchive({ names: [] }).bytes;
  assert.deepEqual(await problems({ images: [file("app.tar", bytes), file("app.tar.gz", gzipSync(bytes))] }), []);
  const images = [
    file("app.zip", bytes),
    file("half.tar", bytes.subarray(0, 3_000)),
    file("id.tar", unnamed),
    "gone.tar",
  ];
  const lines = await problems({ images });
  const expected = [
    /^app\.zip cannot be used: the name of an archive ends in /,
    /^half\.tar cannot be used: Unexpected end of data/,
    /^id\.tar cannot be used: it names no image/,
    /^gone\.tar cannot be used: ENOENT/,
  ];
  assert.equal(lines.length, expected.length, lines.join("\n"));
  for (const [index, pattern] of expected.entries()) assert.match(lines[index] ?? "", pattern);
});

test("two files of one name are refused, since one would replace the other", async (t) => {
  const { file, problems } = workbench(t);
  const pods = [file("a/web.json", web), file("b/web.json", web)];
  assert.deepEqual(await problems({ pods }), ["b/web.json has the same name as a/web.json: rename one of them"]);
});
