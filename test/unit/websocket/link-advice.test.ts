import assert from "node:assert/strict";
import { test } from "node:test";
import { linkTodo } from "../../../src/core/protocol/link-advice.ts";
import { dialError } from "../../../src/websocket/errors.ts";

// The advice reads the sentence of the error, so the two have to stay together.
for (const [code, advice] of [
  ["CERT_HAS_EXPIRED", /^The operator of the center must renew its certificate/],
  ["CERT_NOT_YET_VALID", /^Set this device's clock/],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", /^Put the authority of the center's certificate into the file/],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", /^Put the authority of the center's certificate into the file/],
  ["ERR_TLS_CERT_ALTNAME_INVALID", /^Set center\.tls\.serverName/],
  ["ECONNREFUSED", /^Check the center's name/],
] as const) {
  test(`the advice for a dial that fails with ${code} fits its sentence`, () => {
    const error = Object.assign(new Error("words of OpenSSL"), { code });
    assert.match(linkTodo(dialError(error, { tls: true, wall: 0, certificates: [] })), advice);
  });
}
