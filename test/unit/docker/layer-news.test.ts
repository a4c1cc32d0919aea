import assert from "node:assert/strict";
import { test } from "node:test";
import { layerNews } from "../../../src/docker/layer-news.ts";

const line = (status: string, progressDetail: object = {}, id = "a1b2") => ({ status, id, progressDetail });

test("a line of a pull is the share of a layer", () => {
  assert.deepEqual(
    [
      line("Pulling fs layer"),
      line("Downloading", { current: 50, total: 100 }),
      line("Download complete"),
      line("Extracting", { current: 1, total: 100 }),
      line("Pull complete"),
      line("Already exists"),
    ].map((one) => layerNews(one)?.share),
    [0, 0.45, 0.9, 0.9, 1, 1],
  );
});

test("a pull line without a layer is ignored", () => {
  const strange = [{ current: 1 }, { current: 1, total: 0 }, { current: "1", total: -3 }];
  for (const detail of strange) assert.equal(layerNews(line("Downloading", detail)), null);
  assert.equal(layerNews(line("Downloading", { current: 7, total: 1 }))?.share, 0.9);
  assert.equal(layerNews(line("Pulling from library/busybox", {}, "1.36")), null);
  for (const odd of [null, 7, "text", [], line("Waiting", {}, ""), line("Waiting", {}, "x".repeat(129))]) {
    assert.equal(layerNews(odd), null);
  }
});
