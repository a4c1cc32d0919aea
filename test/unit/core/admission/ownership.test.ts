import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AdmissionContext, Asker } from "../../../../src/core/admission/context.ts";
import { type Asked, ownershipSentence } from "../../../../src/core/admission/ownership.ts";
import type { DeviceOrigin } from "../../../../src/core/pod/spec.ts";
import { context } from "./pods.ts";

const local: DeviceOrigin = { kind: "local" };
const file = (name: string): DeviceOrigin => ({ kind: "factory", file: name });

interface Row {
  readonly asker: string;
  readonly as: Asker | undefined;
  readonly owner: DeviceOrigin | undefined;
  readonly asked: Asked;
  readonly sentence: string | null;
}

const asks = (origin: DeviceOrigin, isForced = false): Asker => ({ origin, isForced });
const ofFactory = "web is a factory pod of this device; only its file a.yaml changes it";
const ofCenter = "web is a pod of the center; --force does it anyway, and the center sees it";

const rows: readonly Row[] = [
  ...(["apply", "delete", "restart"] as const).flatMap((asked): readonly Row[] => [
    { asker: "the center", as: undefined, owner: undefined, asked, sentence: null },
    { asker: "the center", as: undefined, owner: local, asked, sentence: null },
    { asker: "the center", as: undefined, owner: file("a.yaml"), asked, sentence: ofFactory },
    { asker: "somebody here", as: asks(local), owner: local, asked, sentence: null },
    { asker: "somebody here", as: asks(local), owner: undefined, asked, sentence: ofCenter },
    { asker: "somebody here by force", as: asks(local, true), owner: undefined, asked, sentence: null },
    { asker: "its own file", as: asks(file("a.yaml")), owner: file("a.yaml"), asked, sentence: null },
  ]),
  ...[false, true].flatMap((isForced): readonly Row[] => {
    const asker = isForced ? "somebody here by force" : "somebody here";
    const as = asks(local, isForced);
    const owner = file("a.yaml");
    return [
      { asker, as, owner, asked: "apply", sentence: "web is a factory pod; change its file a.yaml" },
      { asker, as, owner, asked: "delete", sentence: "web is a factory pod; remove its file a.yaml" },
      { asker, as, owner, asked: "restart", sentence: null },
    ];
  }),
  {
    asker: "a file",
    as: asks(file("b.yaml")),
    owner: file("a.yaml"),
    asked: "apply",
    sentence: "file a.yaml already has a pod web",
  },
  {
    asker: "a file",
    as: asks(file("b.yaml")),
    owner: local,
    asked: "apply",
    sentence: 'a pod web was applied on this device; the file counts after "edge delete web"',
  },
  {
    asker: "a file",
    as: asks(file("b.yaml")),
    owner: undefined,
    asked: "apply",
    sentence: "the center has a pod web on this device; the file counts once that pod is deleted",
  },
];

describe("whose a pod is", () => {
  for (const { asker, as, owner, asked, sentence } of rows) {
    const whose = owner === undefined ? "the center" : owner.kind === "local" ? "the device" : owner.file;
    it(`${sentence === null ? "lets" : "does not let"} ${asker} ${asked} a pod of ${whose}`, () => {
      const stored = {
        metadata: { name: "web" },
        spec: { containers: [] },
        ...(owner === undefined ? {} : { origin: owner }),
      };
      const judged: AdmissionContext = { ...context, ...(as === undefined ? {} : { asker: as }) };
      assert.equal(ownershipSentence(stored, asked, judged), sentence);
    });
  }
});
