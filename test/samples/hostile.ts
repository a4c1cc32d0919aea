import fc from "fast-check";
import { envelope, gracefulDelete, podDelete, podRestart, podUpdate } from "./messages.ts";

const uuid = (number: number): string => `77777777-0000-4000-8000-${number.toString(16).padStart(12, "0")}`;
const names = ["one", "two", "three", "four"] as const;

/** Messages as a center means them, of every kind there is. */
const sound: fc.Arbitrary<string> = fc
  .record({ number: fc.nat(0xffff_ffff), name: fc.constantFrom(...names), kind: fc.nat(7), version: fc.nat(99) })
  .map(({ number, name, kind, version }) => {
    const pod = { name, uid: uuid(names.indexOf(name)), msgId: uuid(number), resourceVersion: String(version) };
    const volumes = [{ name: "data", hostPath: { path: "/etc/data", type: "" } }];
    const ports = [{ containerPort: 80, hostPort: 8000 + version, hostIP: "127.0.0.1", protocol: "TCP" }];
    const texts = [
      podUpdate(pod),
      podUpdate({ ...pod, spec: { volumes, restartPolicy: "OnFailure" }, container: { ports } }),
      gracefulDelete(pod, version),
      podDelete(pod),
      podRestart(pod),
      envelope(pod.msgId, "update", `websocket/configmap/${name}`, { metadata: { name }, data: { key: "value" } }),
      envelope(pod.msgId, "update", "websocket/secret/fusion-director-docker-registry-secret", { data: {} }),
      envelope(pod.msgId, "delete", "websocket/pods_data", {}),
    ];
    return texts[kind] ?? "";
  });

const evilKeys = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "valueOf", "__defineGetter__"];
const evilValues = [
  ...evilKeys.map((key) => JSON.stringify(key)),
  "null",
  "true",
  "-0",
  "1e999",
  '""',
  "[]",
  "{}",
  '"\\u0000"',
  '"\\ud800"',
  "[[[]]]",
  "9".repeat(400),
];

/** One value, or one name, of the text becomes something else. The place is found in the text: nothing knows its shape. */
function replaced(text: string, pattern: RegExp, at: number, by: (found: string) => string): string {
  const places = [...text.matchAll(pattern)];
  const place = places[at % Math.max(1, places.length)];
  if (place === undefined) return text;
  return text.slice(0, place.index) + by(place[0]) + text.slice(place.index + place[0].length);
}

const value = /(?<=[:[,])(?:"[^"]*"(?!:)|-?\d+|true|false|null|\[\]|\{\})/g;
const key = /"[^"]+"(?=:)/g;
const objectStart = /\{(?=")/g;

const mutations: readonly fc.Arbitrary<(text: string) => string>[] = [
  // Truncated.
  fc.nat().map((at) => (text: string) => text.slice(0, at % text.length)),
  // Another value, of any type.
  fc.tuple(fc.nat(), fc.json()).map(
    ([at, json]) =>
      (text: string) =>
        replaced(text, value, at, () => json),
  ),
  fc.tuple(fc.nat(), fc.constantFrom(...evilValues)).map(
    ([at, json]) =>
      (text: string) =>
        replaced(text, value, at, () => json),
  ),
  // Nested.
  fc.tuple(fc.nat(), fc.integer({ min: 10, max: 5_000 })).map(
    ([at, depth]) =>
      (text: string) =>
        replaced(text, value, at, (found) => "[".repeat(depth) + found + "]".repeat(depth)),
  ),
  fc.tuple(fc.nat(), fc.integer({ min: 10, max: 1_000 })).map(
    ([at, depth]) =>
      (text: string) =>
        replaced(text, value, at, (found) => '{"spec":'.repeat(depth) + found + "}".repeat(depth)),
  ),
  // Huge.
  fc.tuple(fc.nat(), fc.integer({ min: 1_000, max: 20_000 })).map(
    ([at, size]) =>
      (text: string) =>
        replaced(text, value, at, () => JSON.stringify("x".repeat(size))),
  ),
  fc.tuple(fc.nat(), fc.integer({ min: 100, max: 2_000 })).map(
    ([at, size]) =>
      (text: string) =>
        replaced(text, value, at, (found) => `[${Array(size).fill(found).join()}]`),
  ),
  // Names of prototypes, and one name twice in one or two spellings.
  fc.tuple(fc.nat(), fc.constantFrom(...evilKeys), fc.constantFrom(...evilValues)).map(
    ([at, name, json]) =>
      (text: string) =>
        replaced(text, objectStart, at, () => `{"${name}":${json},`),
  ),
  fc.tuple(fc.nat(), fc.constantFrom(...evilKeys)).map(
    ([at, name]) =>
      (text: string) =>
        replaced(text, key, at, () => `"${name}"`),
  ),
  fc.tuple(fc.nat(), fc.constantFrom(...evilValues), fc.boolean()).map(
    ([at, json, upper]) =>
      (text: string) =>
        replaced(text, key, at, (found) => `${upper ? found.toUpperCase() : found}:${json},${found}`),
  ),
  // Any characters, half ones too.
  fc.tuple(fc.nat(), fc.string({ unit: "binary", maxLength: 64 })).map(
    ([at, string]) =>
      (text: string) =>
        replaced(text, value, at, () => JSON.stringify(string)),
  ),
  fc.tuple(fc.nat(), fc.string({ unit: "grapheme", maxLength: 8 })).map(
    ([at, string]) =>
      (text: string) =>
        `${text.slice(0, at % text.length)}${string}${text.slice(at % text.length)}`,
  ),
];

/** Changes may multiply; what is over the limit of a message closes the connection, which is another test. */
const longest = 100_000;

/** Messages with up to four things wrong with them; now and then nothing is. */
export const hostileMessage: fc.Arbitrary<string> = fc
  .tuple(sound, fc.array(fc.oneof(...mutations), { maxLength: 4 }))
  .map(([sent, changes]) =>
    changes
      .reduce((text, change) => (text === "" || text.length > longest ? text : change(text)), sent)
      .slice(0, longest),
  );
