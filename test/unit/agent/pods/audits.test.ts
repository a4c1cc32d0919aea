import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Audits, createAudits } from "../../../../src/agent/pods/audits.ts";
import type { ObservedContainer } from "../../../../src/core/pod/observed.ts";
import { acceptedPod, ago, container, running } from "../../../samples/pods.ts";

const pod = acceptedPod();
const made = (id: string, startedMsAgo = 30_000): ObservedContainer =>
  container(pod, running(ago(startedMsAgo)), { id });

/** A look at each container; gives the ids of those that the engine was asked about. */
async function look(
  audits: Audits<string>,
  containers: readonly ObservedContainer[],
  places = "",
): Promise<readonly string[]> {
  const asked: string[] = [];
  for (const each of containers) {
    if (audits.next(each, places) !== null) continue;
    await audits.run(each, places, async () => {
      asked.push(each.id);
      return { ok: true, value: `said of ${each.id}` };
    });
  }
  return asked;
}

describe("the audit of a container", () => {
  test("asks the engine at the first look, and what it said stands at the next", async () => {
    const audits = createAudits<string>();
    assert.deepEqual(await look(audits, [made("a")]), ["a"]);
    assert.equal(audits.next(made("a"), ""), "said of a");
  });

  test("asks again after a start, after a doubt, if a host path leads elsewhere, and once the container was forgotten", async () => {
    const audits = createAudits<string>();
    await look(audits, [made("a"), made("b")]);
    assert.deepEqual(await look(audits, [made("a", 1_000), made("b")]), ["a"]);
    audits.doubt("b");
    assert.deepEqual(await look(audits, [made("a", 1_000), made("b")]), ["b"]);
    assert.deepEqual(await look(audits, [made("b")], "another folder"), ["b"]);
    assert.deepEqual(await look(audits, [made("b")]), ["b"]);
    audits.keep(new Set(["b"]));
    assert.deepEqual(await look(audits, [made("a", 1_000), made("b")]), ["a"]);
  });

  test("asks again at the next look if the engine gave no answer, or the container was doubted meanwhile", async () => {
    const audits = createAudits<string>();
    const error = { kind: "timeout", operation: "audit", message: "No answer" } as const;
    await audits.run(made("a"), "", async () => ({ ok: false, error }));
    assert.equal(audits.next(made("a"), ""), null);
    await audits.run(made("a"), "", async () => {
      audits.doubt("a");
      return { ok: true, value: "said before the change" };
    });
    assert.equal(audits.next(made("a"), ""), null);
  });

  test("asks about each of 100 containers once in 20 looks, and never about all at once", async () => {
    const audits = createAudits<string>();
    const containers = Array.from({ length: 100 }, (_, index) => made(`c${index}`));
    assert.equal((await look(audits, containers)).length, 100);
    for (const _ of [1, 2, 3]) {
      const asked: string[][] = [];
      for (let n = 0; n < 20; n += 1) asked.push([...(await look(audits, containers))]);
      assert.deepEqual(
        asked.map(({ length }) => length),
        asked.map(() => 5),
      );
      assert.equal(new Set(asked.flat()).size, 100);
    }
  });
});
