// `send` of the playground: gives a Pod or a message to the center and prints the reply of the device.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { nodeName } from "./site.ts";

const usage = `usage: send FILE             sends the Pod or the message in a JSON file
       send --delete NAME    deletes the pod
       send --restart NAME   restarts the pod`;

/** Ends with a sentence and exit code 2. */
function give(up: string): never {
  console.error(up);
  process.exit(2);
}

function options() {
  const known = { delete: { type: "string" }, restart: { type: "string" }, help: { type: "boolean" } } as const;
  try {
    return parseArgs({ args: process.argv.slice(3), options: known, allowPositionals: true });
  } catch (error) {
    return give(`${error instanceof Error ? error.message : error}\n${usage}`);
  }
}

/** A message about a pod by name, as docs/protocol.md has it. */
function message(operation: "delete" | "restart", name: string): string {
  const header = { msg_id: randomUUID(), parent_msg_id: "", timestamp: Date.now(), sync: true };
  const route = { source: "controller", group: "resource", operation, resource: `websocket/pod/${name}` };
  const pod = { metadata: { name, namespace: "websocket" }, spec: { containers: [{ name: "app" }] } };
  return JSON.stringify({ header, route, content: operation === "delete" ? pod : null });
}

function fromFile(file: string): string {
  let body = "";
  try {
    body = readFileSync(file, "utf8");
  } catch {
    give(`${file} cannot be read. Is it in this folder?`);
  }
  try {
    JSON.parse(body);
  } catch (error) {
    give(`${file} is not valid JSON: ${error instanceof Error ? error.message : error}`);
  }
  return body;
}

function post(socketPath: string, body: string): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method: "POST", path: `/send?node=${nodeName}` }, async (response) =>
      resolve({ status: response.statusCode ?? 0, body: await text(response) }),
    );
    sent.on("error", reject).end(body);
  });
}

const {
  values,
  positionals: [file],
} = options();
if (values.help === true) {
  console.log(usage);
  process.exit(0);
}
const body =
  values.delete !== undefined
    ? message("delete", values.delete)
    : values.restart !== undefined
      ? message("restart", values.restart)
      : fromFile(file ?? give(usage));
const answer = await post(process.argv[2] ?? "", body).catch((error: NodeJS.ErrnoException) => {
  console.error(`The center does not answer (${error.code}). If you have stopped it, start it again: center start`);
  process.exit(1);
});
if (answer.status !== 200) {
  console.error(`The center answered with status ${answer.status}: ${answer.body.trim()}`);
  process.exit(1);
}
const content = String((JSON.parse(answer.body) as { readonly content: unknown }).content);
console.log(content.replaceAll("; spec.", ";\n  spec."));
process.exitCode = content === "OK" ? 0 : 1;
