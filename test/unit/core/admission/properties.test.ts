import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { admitMessage, admitPod } from "../../../../src/core/admission/admit.ts";
import { podRules } from "../../../../src/core/admission/pod-rules.ts";
import { decodeMessage } from "../../../../src/core/protocol/message.ts";
import { accepted, context, fullPod, openContext, refusals, smallPod, withField } from "./pods.ts";

/** Every object of a JSON value with its keys in another order. */
function shuffled(value: unknown, order: (keys: string[]) => readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, order));
  if (typeof value !== "object" || value === null) return value;
  const source = value as Readonly<Record<string, unknown>>;
  return Object.fromEntries(order(Object.keys(source)).map((key) => [key, shuffled(source[key], order)]));
}

/** A pod with some fields replaced by anything. */
const somePod = fc
  .array(
    fc.tuple(
      fc.constantFrom(...podRules.map(({ path }) => path.replaceAll("[]", "[0]"))),
      fc.jsonValue({ maxDepth: 2 }),
    ),
    { maxLength: 4 },
  )
  .map((changes) =>
    changes.reduce<object>((pod, [path, value]) => {
      try {
        return withField(pod, path, value);
      } catch {
        // An earlier change took the place away in which this one stands.
        return pod;
      }
    }, fullPod()),
  );

test("admission returns a verdict for any JSON and never throws", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (content) => {
      const verdict = admitPod(content, context);
      assert.equal(verdict.accepted, false);
    }),
  );
  fc.assert(
    fc.property(somePod, (pod) => {
      admitPod(pod, openContext);
      admitPod(pod, context);
    }),
  );
});

test("any text is decoded or rejected with a reason, and any message gets a verdict", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      const decoded = decodeMessage(text);
      assert.ok(decoded.ok || decoded.reason !== "");
      if (decoded.ok) admitMessage(decoded.message, context);
    }),
  );
});

test("the same message gets the same verdict, whatever the order of its keys", () => {
  fc.assert(
    fc.property(somePod, (pod) => {
      const verdict = admitPod(pod, openContext);
      assert.deepEqual(admitPod(structuredClone(pod), openContext), verdict);
      const turned = shuffled(pod, (keys) => keys.toReversed());
      assert.deepEqual(admitPod(turned, openContext), verdict);
    }),
  );
});

test("an accepted pod is accepted again as it is enforced, and stays the same", () => {
  const once = accepted(fullPod(), openContext);
  const again = accepted({ metadata: once.metadata, spec: once.spec }, openContext);
  assert.deepEqual(again, once);
  const small = accepted(smallPod());
  assert.deepEqual(accepted({ metadata: small.metadata, spec: small.spec }), small);
});

test("the verdict does not depend on the case of field names", () => {
  const maps = new Set(["labels", "annotations", "nodeSelector", "limits", "requests"]);
  const upper = (value: unknown, fold: boolean): unknown => {
    if (Array.isArray(value)) return value.map((item) => upper(item, true));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [fold ? key.toUpperCase() : key, upper(inner, !maps.has(key))]),
    );
  };
  assert.deepEqual(accepted(upper(fullPod(), true), openContext), accepted(fullPod(), openContext));
  fc.assert(
    fc.property(somePod, (pod) => {
      assert.equal(admitPod(upper(pod, true), openContext).accepted, admitPod(pod, openContext).accepted);
    }),
  );
});

test("a forbidden field added to an accepted pod is refused with that path", () => {
  const forbidden = podRules.filter(({ expectation }) => expectation.includes("not supported"));
  assert.ok(forbidden.length > 60);
  for (const { id, path } of forbidden) {
    const at = path.replaceAll("[]", "[0]");
    const parent = at.includes("livenessProbe.httpGet")
      ? withField(fullPod(), "spec.containers[0].livenessProbe", { httpGet: { path: "/a", port: 80 } })
      : fullPod();
    const pod = withField(parent, at, { some: "thing" });
    assert.ok(refusals(pod, openContext).includes(`${id} at ${at}`), at);
  }
});
