import assert from "node:assert/strict";
import { test } from "node:test";
import { findingsOf } from "../../../../src/core/admission/findings.ts";
import { podRules } from "../../../../src/core/admission/pod-rules.ts";
import { shapeOf } from "../../../../src/core/admission/shape.ts";
import { walkFields } from "../../../../src/core/admission/walk.ts";
import { fullPod, withField } from "./pods.ts";

/** How often the rows are asked about a pod, and what passed of it. */
function walked(pod: object): { readonly asked: number; readonly wrong: number; readonly passed: object } {
  let asked = 0;
  const counting = podRules.map((rule) => ({
    ...rule,
    passes: (value: unknown) => {
      asked += 1;
      return rule.passes(value);
    },
  }));
  const shape = shapeOf(counting);
  const findings = findingsOf(shape);
  const passed = walkFields(pod, shape, findings, "update");
  return { asked, wrong: findings.violations().length, passed };
}

const paths: ReadonlySet<string> = new Set(podRules.map(({ path }) => path));

/** Values of a pod that have a row. */
function rowsOf(value: unknown, path: string): number {
  const here = paths.has(path) ? 1 : 0;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + rowsOf(item, `${path}[]`), here);
  if (typeof value !== "object" || value === null) return here;
  const steps = Object.entries(value).map(([key, item]) => rowsOf(item, path === "" ? key : `${path}.${key}`));
  return steps.reduce((sum, count) => sum + count, here);
}

const right = withField(fullPod(), "spec.volumes[1].hostPath.type", undefined);
const values = rowsOf(right, "");

test("the rows are asked once about each value of a right pod", () => {
  const { asked, wrong, passed } = walked(right);
  assert.ok(values > 80, String(values));
  assert.deepEqual({ asked, wrong }, { asked: values, wrong: 0 });
  assert.deepEqual(passed, right);
});

test("the rows are asked at most three times about a value of a wrong pod", () => {
  for (const path of ["spec.containers[0].env[0].name", "spec.containers[0].volumeMounts[2].readOnly", "kind"]) {
    const { asked, wrong } = walked(withField(right, path, { a: 1 }));
    assert.equal(wrong, 1, path);
    assert.ok(asked < 3 * values, `${asked} for ${values} values, ${path}`);
  }
});

test("what is absent or under another name in a list is left out or renamed, and the elements beside it are kept", () => {
  const [first, second] = [
    { name: "A1", value: "a" },
    { Name: "B2", value: "b" },
  ];
  const { passed, wrong } = walked(
    withField(right, "spec.containers[0].env", [first, second, { name: "C3", value: null }]),
  );
  const { spec } = passed as { readonly spec: { readonly containers: readonly { readonly env: unknown }[] } };
  assert.deepEqual(spec.containers[0]?.env, [first, { name: "B2", value: "b" }, { name: "C3" }]);
  assert.equal(wrong, 1);
});
