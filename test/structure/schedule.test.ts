import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, test } from "node:test";
import { busy, inOrder, longest, nextFile } from "../../scripts/schedule.ts";

const computing = Array.from({ length: 12 }, (_, index) => `test/unit/${index}.test.ts`);
const waiting = Array.from(
  { length: 12 },
  (_, index) => `test/${index % 2 === 0 ? "contract" : "system"}/${index}.test.ts`,
);

/** Starts files beside those at work until none fits; gives all that are then at work. */
function started(files: readonly string[], processors: number, before: readonly string[] = []): readonly string[] {
  const atWork = [...before];
  const left = () => files.filter((file) => !atWork.includes(file));
  for (let file = nextFile(left(), atWork, processors); file !== undefined; file = nextFile(left(), atWork, processors))
    atWork.push(file);
  return atWork;
}

const counts = (files: readonly string[]) => ({
  computing: files.filter((file) => computing.includes(file)).length,
  waiting: files.filter((file) => waiting.includes(file)).length,
});

describe("the order of test files", () => {
  test("starts with the longest file, and every file that it names exists", () => {
    assert.deepEqual(
      [...longest, ...busy].filter((file) => !existsSync(file)),
      [],
    );
    const [first = "", second = ""] = longest;
    assert.deepEqual(inOrder([...computing, second, first]), [first, second, ...computing]);
  });

  test("starts files of both kinds beside each other", () => {
    assert.deepEqual(counts(started([...computing, ...waiting], 2)), { computing: 1, waiting: 3 });
    assert.deepEqual(counts(started([...waiting, ...computing], 4)), { computing: 2, waiting: 6 });
  });

  test("counts files of the system suite that keep a processor busy among those that compute", () => {
    assert.deepEqual(started([...busy, ...waiting], 2).filter((file) => busy.includes(file)).length, 1);
  });

  test("uses all processors for one kind when no file of the other kind is left", () => {
    assert.deepEqual(counts(started(computing, 2)), { computing: 2, waiting: 0 });
    assert.deepEqual(counts(started(waiting, 2)), { computing: 0, waiting: 6 });
  });

  test("replaces a file that has ended by one of its kind", () => {
    const atWork = started([...computing, ...waiting], 2);
    for (const ended of atWork) {
      const others = atWork.filter((file) => file !== ended);
      const left = [...computing, ...waiting].filter((file) => !atWork.includes(file));
      assert.equal(computing.includes(nextFile(left, others, 2) ?? ""), computing.includes(ended));
    }
  });

  test("starts no more files on a large machine than its one engine can serve", () => {
    assert.deepEqual(counts(started([...computing, ...waiting], 64)), { computing: 2, waiting: 6 });
  });

  test("reaches every file on a machine with one processor", () => {
    const left = [...computing, ...waiting];
    let atWork: readonly string[] = [];
    let ended = 0;
    while (left.length > 0 || atWork.length > 0) {
      const file = nextFile(left, atWork, 1);
      if (file === undefined) {
        assert.ok(atWork.length > 0, "something is at work, or the run hangs");
        atWork = atWork.slice(1);
        ended += 1;
        continue;
      }
      left.splice(left.indexOf(file), 1);
      atWork = [...atWork, file];
    }
    assert.equal(ended, computing.length + waiting.length);
  });
});
