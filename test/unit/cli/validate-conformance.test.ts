import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { validateCommand } from "../../../src/cli/validate.ts";
import { admitMessage } from "../../../src/core/admission/admit.ts";
import { everything, type FeatureGates, featureGates } from "../../../src/core/admission/feature-gates.ts";
import type { Violation } from "../../../src/core/base/violation.ts";
import { decodeMessage } from "../../../src/core/protocol/message.ts";
import { type Case, conformanceCases, policyOf } from "../../samples/conformance.ts";

const folder = mkdtempSync(join(tmpdir(), "validate-conformance-"));
after(() => rmSync(folder, { recursive: true }));

interface Line {
  readonly accepted: boolean;
  readonly violations: readonly Violation[];
}

/** What `edge validate` prints about a case, from three files to one line of JSON. */
async function validated({ policy, node, message }: Case): Promise<{ readonly code: number; readonly line: Line }> {
  const file = (name: string, content: unknown): string => {
    const path = join(folder, name);
    writeFileSync(path, JSON.stringify(content));
    return path;
  };
  const config = { node: { name: "edge-1" }, center: { url: "wss://center.example/events" }, policy };
  const options = { json: true, node: file("facts.json", node), config: file("config.json", config) };
  const out: string[] = [];
  const io = { out: (text: string) => void out.push(text), err: (text: string) => assert.fail(text) };
  const code = await validateCommand([file("message.json", message)], options, io);
  assert.equal(out.length, 1);
  return { code, line: JSON.parse(out[0] ?? "") as Line };
}

/** The features without which a case that the rules accept is refused. */
function neededBy({ policy, node, message }: Case): readonly (keyof FeatureGates)[] {
  const decoded = decodeMessage(JSON.stringify(message));
  if (!decoded.ok) return [];
  const context = { policy: policyOf(policy), node, nodeName: "edge-1" };
  return (Object.keys(everything) as (keyof FeatureGates)[]).filter((feature) => {
    const featureGates = { ...everything, [feature]: false };
    return !admitMessage(decoded.message, { ...context, featureGates }).accepted;
  });
}

/** Cases, each with what it asks of a build; refused ones ask for nothing. */
const asked = conformanceCases.map((one) => ({ one, needs: one.expect === "accept" ? neededBy(one) : [] }));

for (const { one, needs } of asked) {
  const missing = needs.filter((feature) => !featureGates[feature]);
  const accepts = one.expect === "accept" && missing.length === 0;
  const reason = missing.length === 0 ? "" : `, as this build lacks ${missing.join(", ")}`;
  test(`edge validate ${accepts ? "accepts" : "refuses"} ${one.name}${reason}`, async () => {
    const { code, line } = await validated(one);
    const said = line.violations.map(({ message }) => message).join("\n");
    assert.equal(line.accepted, accepts, `${one.why}\nsaid: ${said}`);
    assert.equal(code, accepts ? 0 : 1);
    if (accepts || one.expect === "reject") return;
    const reasons = new Set(line.violations.map(({ rule }) => rule));
    assert.deepEqual([...reasons].sort(), missing.map((feature) => `notYet.${feature}`).sort());
    for (const { message } of line.violations)
      assert.match(message, /are not supported by this version|does not support shares/);
  });
}

// Without it a slip in the derivation above would make nothing wait for anything.
test("the conformance cases use the listed features", () => {
  const all = new Set(asked.flatMap(({ needs }) => needs));
  assert.deepEqual([...all].sort(), [
    ...["configMapVolumes", "configMaps", "gracefulDelete", "hostPid", "imagePullSecrets", "livenessProbe", "npu"],
    ...["podRestart", "podsData", "readinessProbe", "secrets", "severalContainers"],
  ]);
});
