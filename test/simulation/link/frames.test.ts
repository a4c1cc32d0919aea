import assert from "node:assert/strict";
import { test } from "node:test";
import { makeCertificates } from "../../../scripts/certificates.ts";
import { talkKinds } from "../../samples/frames.ts";
import { playFrames } from "./frames.ts";

const seed = Number(process.env["EDGE_SEED"] ?? 1);
const seconds = Number(process.env["EDGE_SECONDS"] ?? 8);
const mostGrowthBytes = 32 * 1024 * 1024;
// What a short run holds in the middle of a talk says nothing of what a long one keeps.
const enoughSeconds = 60;

for (const over of ["plain sockets", "TLS"]) {
  test(`a center that speaks no WebSocket over ${over} for ${seconds / 2} s breaks nothing (EDGE_SEED=${seed})`, async (t) => {
    const tls = over === "TLS" ? makeCertificates() : null;
    t.after(() => tls?.forget());
    const { talks, odd, downs, failure, recovered, growth, peakRss } = await playFrames(seed, seconds * 500, tls);
    const count = Object.values(talks).reduce((sum, one) => sum + one, 0);
    const mebibytes = (bytes: number): string => (bytes / 1_048_576).toFixed(1);
    t.diagnostic(`${count} talks, ${downs} ends told, ${mebibytes(growth)} MiB more, ${mebibytes(peakRss)} at most`);
    t.diagnostic(JSON.stringify(talks));
    assert.equal(failure, null);
    assert.deepEqual(odd, []);
    assert.ok(recovered, "The device connects to a sound center and answers it");
    assert.ok(downs >= count, `${count} connections, ${downs} ends told`);
    if (seconds >= enoughSeconds) assert.ok(growth < mostGrowthBytes, `${growth} bytes more`);
    if (count > 20 * talkKinds.length) assert.ok(talkKinds.every((kind) => (talks[kind] ?? 0) > 0));
  });
}
