import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { credentialsFor, registryOf } from "../../../../src/core/image/registry-credentials.ts";

const image = "registry.example:5000/team/app:1.0";
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const auths = (entries: object): string => JSON.stringify({ auths: entries });
const login = { username: "u", password: "p" };
const found = (name: string, entries: object) => credentialsFor(name, auths(entries)).map((one) => one.username);

describe("credentialsFor()", () => {
  const forms: readonly (readonly [string, object, object])[] = [
    ["a name and a password", login, login],
    ["auth in base64", { auth: base64("u:p") }, login],
    ["auth, which counts before name and password", { auth: base64("u:p"), username: "x", password: "y" }, login],
    ["a password with colons", { auth: base64("u:p:q:") }, { username: "u", password: "p:q:" }],
    ["a password in another script", { auth: base64("ü:пароль") }, { username: "ü", password: "пароль" }],
    ["auth over several lines", { auth: `${base64("u:p").slice(0, 2)}\n${base64("u:p").slice(2)}` }, login],
    [
      "auth in the alphabet of URLs",
      { auth: Buffer.from("u:p>?").toString("base64url") },
      { username: "u", password: "p>?" },
    ],
    ["a password that ends with zeros", { auth: base64("u:p\0\0") }, login],
    ["an empty password", { auth: base64("u:") }, { username: "u", password: "" }],
    ["a token", { identitytoken: "t" }, { identityToken: "t" }],
    ["a token beside auth", { auth: base64("u:p"), identitytoken: "t" }, { ...login, identityToken: "t" }],
    ["auth that is none, and a name and a password", { auth: "%", ...login }, login],
    ["an e-mail address beside them", { ...login, email: "a@b" }, login],
  ];
  for (const [what, entry, expected] of forms) {
    it(`reads ${what}`, () => {
      assert.deepEqual(credentialsFor(image, auths({ "registry.example:5000": entry })), [
        { serverAddress: "registry.example:5000", ...expected },
      ]);
    });
  }

  const useless: readonly (readonly [string, string])[] = [
    ["no JSON", "{"],
    ["a list", "[]"],
    ["null", "null"],
    ["auths that is no object", '{"auths":7}'],
    ["an entry that is no object", auths({ "registry.example:5000": "u:p" })],
    ["an entry with nothing in it", auths({ "registry.example:5000": {} })],
    ["a name alone", auths({ "registry.example:5000": { username: "u" } })],
    ["auth without a colon", auths({ "registry.example:5000": { auth: base64("up") } })],
    ["auth without a name", auths({ "registry.example:5000": { auth: base64(":p") } })],
    ["no entry at all", auths({})],
  ];
  for (const [what, text] of useless) {
    it(`finds nothing in ${what}`, () => assert.deepEqual(credentialsFor(image, text), []));
  }

  it("reads the older form without auths", () => {
    const text = JSON.stringify({ "https://registry.example:5000": login });
    assert.deepEqual(credentialsFor(image, text), [{ serverAddress: "registry.example:5000", ...login }]);
  });

  const keys: readonly (readonly [string, string, boolean])[] = [
    ["registry.example:5000", image, true],
    ["https://registry.example:5000", image, true],
    ["http://registry.example:5000/", image, true],
    ["https://registry.example:5000/v1/", image, true],
    ["registry.example:5000/v2", image, true],
    ["registry.example:5000/v2/", image, true],
    ["Registry.Example:5000", image, true],
    ["registry.example", image, false],
    ["registry.example:5001", image, false],
    ["other.example:5000", image, false],
    ["example:5000", image, false],
    ["registry.example:5000/team", image, true],
    ["registry.example:5000/team/app", image, true],
    ["registry.example:5000/te", image, false],
    ["registry.example:5000/v2/other", image, false],
    ["*.example:5000", image, true],
    ["reg*y.example:5000", image, true],
    ["*.example", image, false],
    ["*:5000", image, false],
    ["*.*.example:5000", image, false],
    ["hub.example", "hub.example:443/app", true],
    ["https://hub.example:443/v2/", "hub.example/app@sha256:00", true],
    ["docker.io", "busybox", true],
    ["https://index.docker.io/v1/", "busybox:1", true],
    ["index.docker.io", "docker.io/library/busybox", true],
    ["registry-1.docker.io", "team/app:1", true],
    ["docker.io/library", "busybox", true],
    ["docker.io/team", "busybox", false],
    ["docker.io", "localhost/app", false],
    ["docker.io", "DOCKER.IO/team/app", false],
    ["docker.io", "Index.Docker.io/team/app", false],
    ["docker.io", "docker.io:443/team/app", false],
    ["docker.io", "EVIL/app", false],
    ["localhost", "localhost/app", true],
    ["localhost:5000", "localhost:5000/app:2", true],
    ["", image, false],
  ];
  for (const [key, name, matches] of keys) {
    it(`${matches ? "uses" : "ignores"} "${key}" for ${name}`, () => {
      assert.deepEqual(found(name, { [key]: login }), matches ? ["u"] : []);
    });
  }

  it("returns the closest credentials first, only of matching hosts, and at most eight", () => {
    const named = (username: string) => ({ username, password: "p" });
    const several = {
      "other.example": named("other"),
      "*.example:5000": named("pattern"),
      "registry.example:5000": named("host"),
      "registry.example:5000/team": named("team"),
      "registry.example:5000/team/app": named("app"),
    };
    assert.deepEqual(found(image, several), ["app", "team", "host", "pattern"]);
    const many = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [`${"*".repeat(index)}registry.example:5000`, named("u")]),
    );
    assert.equal(found(image, many).length, 8);
  });

  it("handles a pattern of many stars in linear time", () => {
    const host = `${"a".repeat(200)}.example`;
    assert.deepEqual(found(`${host}/app`, { [`${"a*".repeat(100)}b.example`]: login }), []);
  });
});

describe("registryOf()", () => {
  for (const [name, registry] of [
    ["busybox", "docker.io"],
    ["team/app", "docker.io"],
    ["docker.io/team/app", "docker.io"],
    ["localhost/app", "localhost"],
    ["127.0.0.1:5000/app:1", "127.0.0.1:5000"],
    ["hub.example:443/app", "hub.example"],
  ] as const) {
    it(`returns ${registry} for ${name}`, () => assert.equal(registryOf(name), registry));
  }
});
