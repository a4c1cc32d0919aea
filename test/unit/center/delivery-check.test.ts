import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { checkDelivery, type DeliveryVerdict, type LinkEvent } from "../../../src/center/delivery-check.ts";

/** `>a` is sent, `<a` is its reply, `<a'` another reply to it, `!a` its refusal, `@5` a status of the time 5. */
function history(text: string): readonly LinkEvent[] {
  return text.split(" ").map((word): LinkEvent => {
    const [sign, name] = [word[0], word.slice(1)];
    if (sign === ">") return { kind: "sent", msgId: name };
    if (sign === "@") return { kind: "status", timestamp: Number(name) };
    const parentMsgId = name.replace("'", "");
    return { kind: "received", msgId: `${sign}${name}`, parentMsgId, refusal: sign === "!" };
  });
}

const wrong = ({ lost, doubled, reordered }: DeliveryVerdict): readonly number[] => [
  lost.length,
  doubled.length,
  reordered.length,
];

const sound = [
  ">a <a",
  ">a >b <a <b",
  ">a >b >a <b <a",
  ">a >b <a >b <a <b <b",
  ">a !a",
  ">a >a !a !a'",
  ">a @1 @1 @2 <a",
  ">a >b >c >b <a <c <b",
];
for (const text of sound) {
  test(`checkDelivery() accepts ${text}`, () => assert.deepEqual(wrong(checkDelivery(history(text))), [0, 0, 0]));
}

const unsound: readonly (readonly [string, readonly number[]])[] = [
  [">a", [1, 0, 0]],
  [">a >b <b", [1, 0, 0]],
  [">a >a >a", [1, 0, 0]],
  [">a <a <a'", [0, 1, 0]],
  [">a >b <b <a", [0, 0, 1]],
  [">a >b >a <a <b", [0, 0, 0]],
  [">a >b <b <a >a", [0, 0, 1]],
  ["<a >a", [0, 0, 1]],
  [">a <a @2 @1", [0, 0, 1]],
  [">a >b >c <c <a <b", [0, 0, 2]],
];
for (const [text, expected] of unsound) {
  test(`checkDelivery() counts ${text} as lost, doubled, reordered ${expected}`, () => {
    assert.deepEqual(wrong(checkDelivery(history(text))), expected);
  });
}

test("checkDelivery() counts repeats and replies", () => {
  const { repeats, replies } = checkDelivery(history(">a >b <a <a <b <a"));
  assert.deepEqual([repeats, replies], [2, 2]);
});

const names = fc.uniqueArray(fc.integer({ min: 0, max: 99 }).map(String), { minLength: 2, maxLength: 12 });

test("checkDelivery() accepts a device that answers in order, however often, and finds each single fault", () => {
  fc.assert(
    fc.property(names, fc.nat(), fc.nat(), (all, first, second) => {
      const sent = all.map((one) => `>${one}`);
      const said = all.map((one) => `<${one}`);
      const judge = (...words: readonly string[]) => wrong(checkDelivery(history(words.join(" "))));
      assert.deepEqual(judge(...sent, ...said, ...said), [0, 0, 0]);
      const i = first % all.length;
      assert.deepEqual(judge(...sent, ...said.toSpliced(i, 1)), [1, 0, 0]);
      assert.deepEqual(judge(...sent, ...said, `${said[i]}'`), [0, 1, 0]);
      const j = second % all.length;
      if (i === j) return;
      const swapped = said.with(i, said[j] as string).with(j, said[i] as string);
      assert.ok((judge(...sent, ...swapped)[2] ?? 0) > 0);
    }),
  );
});
