import assert from "node:assert/strict";
import { test } from "node:test";
import { isImageName } from "../../../../src/core/pod/image-name.ts";

const names = [
  "busybox",
  "busybox:1.36",
  "library/busybox",
  "localhost/app",
  "localhost:5000/app:2",
  "registry.example.com/team/app_1/web.server:v1.0-rc_2",
  "a__b/c--d",
  "Registry.example.com:443/app",
  `app:${"t".repeat(128)}`,
];

const none = [
  "app/",
  "a//b",
  ":::",
  "",
  "/app",
  "app:",
  "App",
  "team/App",
  "app:-1",
  "a___b",
  "-a/b",
  "a..b/c",
  "registry:port/app",
  `app:${"t".repeat(129)}`,
  `registry.example.com/${"a".repeat(250)}`,
  "0123456789abcdef".repeat(4),
];

for (const name of names) test(`"${name}" is an image name`, () => assert.ok(isImageName(name)));
for (const name of none) test(`"${name}" is no image name`, () => assert.ok(!isImageName(name)));
