import assert from "node:assert/strict";
import { test } from "node:test";
import { main } from "../../../src/cli/program.ts";

/** What the program prints for these arguments. */
async function run(...args: readonly string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await main(args, { out: (line) => void out.push(line), err: (line) => void err.push(line) });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

test("the help of a command shows the options of every command", async () => {
  const { code, out } = await run("logs", "--help");
  assert.equal(code, 0);
  assert.match(out, /^Global Options:\n {2}-v, --version .*\n {2}--config <FILE> /m);
  assert.match(out, /^ {2}--json +print JSON and nothing else$/m);
});

test("the help of every command fits 80 columns", async () => {
  const { out } = await run("--help");
  const names = [...out.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name ?? "");
  assert.ok(names.includes("logs"));
  for (const name of names) {
    const help = (await run(...(name === "help" ? [] : [name]), "--help")).out;
    for (const line of help.split("\n")) assert.ok(line.length <= 80, `edge ${name}: ${line}`);
  }
});

for (const [args, command] of [
  [["logs"], "edge logs"],
  [["pod", "web", "--nope"], "edge pod"],
  [["config", "check", "--nope"], "edge config check"],
  [["nope"], "edge"],
] as const) {
  test(`edge ${args.join(" ")} says "Try ${command} --help"`, async () => {
    const { code, err } = await run(...args);
    assert.equal(code, 2);
    assert.equal(err.split("\n").at(-1), `Try ${command} --help`);
  });
}

for (const [args, instead] of [
  [["events", "web"], "Of one pod: edge events --pod NAME."],
  [["status", "web"], "Of one pod: edge pod NAME."],
  [["logs", "web", "app"], "Of one container: edge logs NAME -c CONTAINER."],
  [["run", "nginx"], "edge run is the agent. A pod runs with edge apply -f FILE."],
] as const) {
  test(`edge ${args.join(" ")} says what to write instead`, async () => {
    const { code, err } = await run(...args);
    assert.equal(code, 2);
    assert.equal(err.split("\n").at(-1), instead);
  });
}

test("edge exec names docker exec, and is not in the list of commands", async () => {
  const { code, err } = await run("exec", "-it", "web", "--", "sh", "-c", "id");
  assert.equal(code, 2);
  assert.match(err, /^There is no edge exec\. As root: docker exec -it ID COMMAND;/);
  assert.doesNotMatch((await run("--help")).out, /exec/);
});

for (const [args, instead] of [
  [["create", "-f", "web.yaml"], "There is no edge create. Write edge apply -f FILE."],
  [["version"], "There is no edge version. Write edge --version."],
  [["get", "nodes", "-o", "wide"], "There is no edge get nodes. edge status shows this device."],
  [["get", "pods", "-w"], "There is no edge get -w. Write edge status --watch."],
  [
    ["get", "pods", "--selector=app=web"],
    "There is no edge get --selector. A device does not keep labels: name the pods.",
  ],
  [["delete", "pods", "--all"], "There is no edge delete --all. Name the pods; edge get pods lists them."],
  [["node"], "There is no edge node. edge status shows this device."],
  [["status", "-o", "json"], "There is no edge status -o. Write edge status --json."],
  [["validate", "-f", "web.yaml"], "There is no edge validate -f. Write edge validate FILE."],
  [["apply", "--dry-run=server", "-f", "web.yaml"], "There is no edge apply --dry-run. Write edge validate FILE."],
  [["-n", "websocket", "get", "pods"], "Write -n NAMESPACE behind the command: edge get pods -n NAMESPACE."],
  [["apply"], "edge apply takes files of Pods: edge apply -f FILE"],
] as const) {
  test(`edge ${args.join(" ")} says what to write in its place`, async () => {
    assert.deepEqual(await run(...args), { code: 2, out: "", err: instead });
  });
}

test("edge describe has one usage, and takes one pod with or without the word pod", async () => {
  const usage = "describe [options] <NAME>";
  assert.ok((await run("help")).out.includes(`  ${usage} `));
  assert.match((await run("help", "describe")).out, /^Usage: edge describe \[options\] <NAME>$/m);
  assert.match((await run("describe", "web", "db")).err, /^error: edge describe takes one pod\n/);
});

test("edge help prints the help of a command, and names the command that was meant", async () => {
  assert.deepEqual(await run("help"), await run("--help"));
  assert.deepEqual(await run("help", "get", "po"), await run("get", "pods", "--help"));
  for (const [words, err] of [
    [["nosuch"], "error: unknown command 'nosuch'\nTry edge --help"],
    [["statsu"], "error: unknown command 'statsu'\n(Did you mean status?)\nTry edge --help"],
    [["get", "pots"], "error: unknown command 'pots'\n(Did you mean pods?)\nTry edge --help"],
  ] as const) {
    assert.deepEqual(await run("help", ...words), { code: 2, out: "", err });
  }
});

test("edge apply says where a pod has its namespace, and edge delete what it takes", async () => {
  const { code, err } = await run("apply", "-f", "web.yaml", "-n", "default");
  assert.equal(code, 2);
  assert.match(err, /^error: the namespace of a pod stands in its file, as metadata\.namespace\n/);
  assert.deepEqual(await run("delete"), { code: 2, out: "", err: "edge delete takes the names of pods, or -f FILE" });
});
