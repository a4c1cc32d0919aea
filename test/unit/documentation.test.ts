import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { withRules } from "../../scripts/rules-table.ts";
import { featureGates } from "../../src/core/admission/feature-gates.ts";
import { parseConfig } from "../../src/core/config/config.ts";

const readme = readFileSync("README.md", "utf8");

describe("README.md and the sample configuration", () => {
  test("the rules in README.md are the rules of the program", () => {
    assert.equal(readme, withRules(readme), "README.md is out of date: node scripts/rules-table.ts");
  });

  test("README.md names every switch that is off", () => {
    const off = Object.entries(featureGates).flatMap(([name, isOn]) => (isOn ? [] : [name]));
    const section = readme.slice(readme.indexOf("## What this version carries out"));
    assert.deepEqual(
      off.filter((name) => !section.includes(`\`${name}\``)),
      [],
    );
  });

  test("the sample configuration is valid, without a warning", () => {
    const parsed = parseConfig(JSON.parse(readFileSync("edge.config.json", "utf8")), { strict: true });
    assert.ok(parsed.ok);
    assert.deepEqual(parsed.warnings, []);
  });
});
