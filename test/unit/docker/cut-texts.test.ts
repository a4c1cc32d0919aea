import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { textCutter } from "../../../src/docker/cut-texts.ts";
import { listEntries } from "../../../src/docker/list-entries.ts";

/** Cut at any places, as a socket would. */
const inPieces = (text: string, places: readonly number[]): readonly string[] => {
  const cuts = [...new Set(places.map((place) => place % (text.length + 1)))].sort((a, b) => a - b);
  return [0, ...cuts].map((from, index) => text.slice(from, cuts[index] ?? text.length));
};
const places = fc.array(fc.nat(), { maxLength: 8 });

async function* each(pieces: readonly string[]): AsyncGenerator<string> {
  yield* pieces;
}

/** Every string in it, keys too, cut to so many characters as they are written. */
const cutAll = (text: string, longest: number): string =>
  text.replace(/"((?:[^"\\]|\\u....|\\.)*)"/gs, (_, inner: string) => {
    const characters = inner.match(/\\u....|\\.|[^\\]/gs) ?? [];
    let [length, kept] = [0, ""];
    for (const one of characters) {
      if (length >= longest) break;
      length += 1;
      kept += one;
    }
    return `"${kept}"`;
  });

test("strings are cut where they are longer, whatever stands in them and however they come in pieces", () => {
  fc.assert(
    fc.property(fc.json(), places, fc.nat({ max: 6 }), (text, cuts, longest) => {
      const cut = textCutter(longest);
      const kept = inPieces(text, cuts).map(cut).join("");
      assert.equal(kept, cutAll(text, longest));
      JSON.parse(kept);
    }),
    { numRuns: 2_000 },
  );
});

test("the entries of a list come one by one, however the list comes in pieces", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.jsonValue()), places, fc.boolean(), async (values, cuts, isWide) => {
      const text = JSON.stringify(values, null, isWide ? 1 : 0);
      const found: unknown[] = [];
      for await (const { text: one, isWhole } of listEntries(each(inPieces(text, cuts)), 1_000_000)) {
        assert.equal(isWhole, true);
        found.push(JSON.parse(one));
      }
      assert.deepEqual(found, JSON.parse(text));
    }),
    { numRuns: 1_000 },
  );
});

test("of an entry that is too long its beginning is kept, and the others are whole", async () => {
  const text = JSON.stringify([{ Id: "a" }, { Id: "b", Labels: ["[", "]", ",", "x".repeat(100)] }, 3]);
  const found: unknown[] = [];
  for await (const entry of listEntries(each(inPieces(text, [3, 9, 30, 50])), 20)) found.push(entry);
  assert.deepEqual(found, [
    { text: '{"Id":"a"}', isWhole: true },
    { text: '{"Id":"b","Labels":[', isWhole: false },
    { text: "3", isWhole: true },
  ]);
});

test("what is no list is an error, and so is one that ends in its middle", async () => {
  for (const text of ["", "{}", "null", '"[]"', "[] []", "[", "[1,2", '["]', "[[]", "]"]) {
    const read = async () => {
      for await (const _ of listEntries(each([text]), 100));
    };
    await assert.rejects(read, SyntaxError, text);
  }
});
