import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { cliFile, currentManualPage, manualFile, withCommands } from "../../scripts/cli-pages.ts";
import { withKeys } from "../../scripts/config-page.ts";
import { withRules } from "../../scripts/rules-table.ts";
import { featureGates } from "../../src/core/admission/feature-gates.ts";
import { parseConfig } from "../../src/core/config/config.ts";
import { decodeMessage } from "../../src/core/protocol/message.ts";
import { okReply } from "../../src/core/protocol/replies.ts";
import { classify, podNameOf } from "../../src/core/protocol/routes.ts";
import { refusals } from "./core/admission/pods.ts";

const document = (name: string): string => readFileSync(`docs/${name}`, "utf8");

describe("The documents and the sample configuration", () => {
  test("admission-rules.md has the rules of the program", () => {
    const rules = document("admission-rules.md");
    assert.equal(rules, withRules(rules), "docs/admission-rules.md is out of date: npm run docs");
  });

  test("configuration.md has every key of the schema", () => {
    const keys = document("configuration.md");
    assert.equal(keys, withKeys(keys), "docs/configuration.md is out of date: npm run docs");
  });

  test("cli.md and the manual page have every command of the program", () => {
    const commands = readFileSync(cliFile, "utf8");
    assert.equal(commands, withCommands(commands), "docs/cli.md is out of date: npm run docs");
    assert.equal(readFileSync(manualFile, "utf8"), currentManualPage(), "docs/edge.1 is out of date: npm run docs");
  });

  test("README.md has at most 150 lines", () => {
    assert.ok(readFileSync("README.md", "utf8").split("\n").length <= 151);
  });

  test("supported.md names every switch that is off", () => {
    const off = Object.entries(featureGates).flatMap(([name, isOn]) => (isOn ? [] : [name]));
    assert.deepEqual(
      off.filter((name) => !document("supported.md").includes(`\`${name}\``)),
      [],
    );
  });

  test("protocol.md shows an update that a device accepts, and its reply", () => {
    const [update = "", reply = ""] = [...document("protocol.md").matchAll(/```json\n([^`]*)```/g)].map(
      ([, text]) => text,
    );
    const decoded = decodeMessage(update);
    assert.ok(decoded.ok);
    const { message } = decoded;
    const kind = classify(message);
    assert.deepEqual([kind.ok, podNameOf(message.route)], [true, "web"]);
    assert.deepEqual(refusals(message.content as object), []);
    const shown = JSON.parse(reply);
    const ids = { msgId: shown.header.msg_id, timestamp: shown.header.timestamp };
    const { header, route, content } = JSON.parse(okReply(message, ids));
    assert.deepEqual({ header: { ...header, ...shown.header }, route, content }, { header, route, content });
    assert.deepEqual([shown.route, shown.content], [route, content]);
  });

  test("the sample configuration is valid, without a warning", () => {
    const parsed = parseConfig(JSON.parse(readFileSync("edge.config.json", "utf8")), { strict: true });
    assert.ok(parsed.ok);
    assert.deepEqual(parsed.warnings, []);
  });
});
