import assert from "node:assert/strict";
import { test } from "node:test";
import { shownUrl, withoutUrlSecrets } from "../../../../src/core/base/shown-url.ts";

const addresses = [
  ["wss://center.example/websocket/edge-1/events", "wss://center.example/websocket/edge-1/events"],
  ["wss://center.example/events?token=hunter2&a=b", "wss://center.example/events?(hidden)"],
  ["wss://center.example/events?hunter2#hunter2", "wss://center.example/events?(hidden)"],
  ["wss://center.example/events#hunter2", "wss://center.example/events#(hidden)"],
  ["wss://name:hunter2@center.example/events", "wss://(hidden)@center.example/events"],
  ["wss://name:hunter2/hunter2@center.example", "wss://(hidden)@center.example"],
  ["name:hunter2@center.example", "(hidden)@center.example"],
  ["wss://name:hunter2@hunter2@center.example?a@b", "wss://(hidden)@center.example?(hidden)"],
  ["", ""],
  ["?hunter2", "?(hidden)"],
] as const;

test("an address is shown without user, password, query and fragment", () => {
  for (const [url, shown] of addresses) assert.equal(shownUrl(url), shown);
});

const texts = [
  ["no address at all?", "no address at all?"],
  ['Get "https://registry.example/v2/": dial tcp', 'Get "https://registry.example/v2/": dial tcp'],
  ["https://r.example/v2/a@sha256:abc: not found", "https://r.example/v2/a@sha256:abc: not found"],
  [
    'Get "https://auth.example/token?account=hunter2&scope=a": 401, then "http://n:hunter2@mirror/v2/": EOF',
    'Get "https://auth.example/token?(hidden)": 401, then "http://(hidden)@mirror/v2/": EOF',
  ],
  ["HTTPS://auth.example?hunter2", "HTTPS://auth.example?(hidden)"],
  ["https://n:hunter2@auth.example/a?hunter2 and more", "https://(hidden)@auth.example/a?(hidden) and more"],
] as const;

test("addresses in foreign error messages lose the same parts", () => {
  for (const [text, shown] of texts) assert.equal(withoutUrlSecrets(text), shown);
});
