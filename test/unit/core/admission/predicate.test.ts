import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import * as v from "valibot";
import { podRules } from "../../../../src/core/admission/pod-rules.ts";
import {
  configMapRules,
  containerInfoRules,
  modelFileRules,
  npuSharingRules,
  secretRules,
} from "../../../../src/core/admission/rules/contents.ts";
import { predicateOf } from "../../../../src/core/admission/rules/predicate.ts";
import { fullPod } from "./pods.ts";

const tables = [podRules, configMapRules, secretRules, containerInfoRules, modelFileRules, npuSharingRules];
const rules = tables.flat();

/** Every value in a JSON value. */
function valuesIn(value: unknown): readonly unknown[] {
  if (typeof value !== "object" || value === null) return [value];
  return [value, ...Object.values(value).flatMap(valuesIn)];
}

const secretData = { ".dockerconfigjson": "e30=" };
const files = ["a.om", "../a.zip", "GET https://center/a", "12345678", "4294967296", "4294967297", "sha256", "https"];
const common = [
  ...valuesIn(fullPod()),
  ...files,
  secretData,
  { ...secretData, more: "" },
  {},
  [],
  -0,
  1.5,
  1e21,
  "a".repeat(300),
];

test("the predicate of every row says what valibot says of the row's schema", () => {
  const said = { yes: 0, no: 0 };
  const compare = (value: unknown): void => {
    for (const { schema, passes, id } of rules) {
      const expected = v.is(schema, value);
      assert.equal(passes(value), expected, `${id} of ${JSON.stringify(value)}`);
      said[expected ? "yes" : "no"] += 1;
    }
  };
  for (const value of common) compare(value);
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 2 }), compare));
  assert.ok(said.yes > 1000 && said.no > 1000, JSON.stringify(said));
});

test("the predicate of a schema in a schema asks for all parts of both", () => {
  const short = v.pipe(v.string(), v.maxLength(3));
  const passes = predicateOf(v.pipe(short, v.regex(/^a/), v.minLength(2), v.endsWith("c")));
  assert.deepEqual(["abc", "abbc", "bbc", "c", 3].map(passes), [true, false, false, false, false]);
});
