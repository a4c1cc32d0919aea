// `send FILE` of the playground: gives a Pod or a message to the center and prints the reply of the device.
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { nodeName } from "./site.ts";

const [socketPath = "", file] = process.argv.slice(2);
if (file === undefined) {
  console.error("usage: send FILE, for example send hello.json");
  process.exit(2);
}

const answer = await new Promise<{ readonly status: number; readonly body: string }>((resolve, reject) => {
  const sent = request({ socketPath, method: "POST", path: `/send?node=${nodeName}` }, async (response) =>
    resolve({ status: response.statusCode ?? 0, body: await text(response) }),
  );
  sent.on("error", reject).end(readFileSync(file));
});
if (answer.status !== 200) {
  console.error(`The center answered with status ${answer.status}: ${answer.body.trim()}`);
  process.exit(1);
}
const content = String((JSON.parse(answer.body) as { readonly content: unknown }).content);
console.log(content.replaceAll("; spec.", ";\n  spec."));
process.exitCode = content === "OK" ? 0 : 1;
