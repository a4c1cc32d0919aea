import assert from "node:assert/strict";
import { test } from "node:test";
import { createKnownImages } from "../../../../src/agent/images/known-images.ts";
import type { EngineResult, ImageInfo } from "../../../../src/ports/engine.ts";
import { virtualClock } from "../../../fakes/clock.ts";

const signal = new AbortController().signal;
const found = (id: string): EngineResult<ImageInfo> => ({
  ok: true,
  value: { id, user: "", architecture: "amd64", volumes: [] },
});
const absent: EngineResult<ImageInfo> = {
  ok: false,
  error: { kind: "notFound", operation: "image", message: "No such image" },
};

/** An engine on which every name stands for what the test says. */
function known(here: { answer: EngineResult<ImageInfo> }) {
  const asked: string[] = [];
  const image = async (name: string) => {
    asked.push(name);
    return here.answer;
  };
  return { images: createKnownImages({ image }, virtualClock()), asked };
}

test("an image is looked up once, also by those who ask at the same time", async () => {
  const { images, asked } = known({ answer: found("sha256:1") });
  const both = await Promise.all([images.image("app", signal), images.image("app", signal)]);
  assert.deepEqual(both, [found("sha256:1"), found("sha256:1")]);
  await images.image("app", signal);
  assert.deepEqual(asked, ["app"]);
});

test("an image is looked up again once something has happened to images", async () => {
  const here = { answer: found("sha256:1") };
  const { images } = known(here);
  await images.image("app", signal);
  here.answer = found("sha256:2");
  assert.deepEqual(await images.image("app", signal), found("sha256:1"));
  images.forget();
  assert.deepEqual(await images.image("app", signal), found("sha256:2"));
});

test("that an image is not here is asked anew each time", async () => {
  const here: { answer: EngineResult<ImageInfo> } = { answer: absent };
  const { images, asked } = known(here);
  assert.deepEqual(await images.image("app", signal), absent);
  here.answer = found("sha256:1");
  assert.deepEqual(await images.image("app", signal), found("sha256:1"));
  assert.equal(asked.length, 2);
});

test("an image that the engine does not have any more is looked up again, and was remembered only if nobody has just looked", async () => {
  const { images, asked } = known({ answer: found("sha256:1") });
  await images.image("app", signal);
  assert.equal(images.isMissing("sha256:1"), false);
  await images.image("app", signal);
  await images.image("app", signal);
  assert.equal(images.isMissing("sha256:1"), true);
  await images.image("app", signal);
  assert.equal(asked.length, 3);
});

test("names without end are not all kept", async () => {
  const { images, asked } = known({ answer: found("sha256:1") });
  for (let n = 0; n < 1_000; n += 1) await images.image(`app-${n}`, signal);
  await images.image("app-0", signal);
  assert.equal(asked.length, 1_001);
});
