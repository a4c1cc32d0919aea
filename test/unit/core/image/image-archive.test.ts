import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { archiveNames, archiveWith } from "../../../../src/core/image/image-archive.ts";

const containerd = "io.containerd.image.name";
const refName = "org.opencontainers.image.ref.name";

function manifest(...tags: readonly string[]): string {
  return JSON.stringify([{ Config: "c.json", RepoTags: tags, Layers: [] }]);
}

function index(...annotations: readonly object[]): string {
  return JSON.stringify({ manifests: annotations.map((one) => ({ annotations: one })) });
}

function imagesOf(lists: { readonly manifest?: string; readonly index?: string }): readonly string[] | string {
  const found = archiveNames({ manifest: lists.manifest ?? null, index: lists.index ?? null });
  return found.ok ? found.images : found.message;
}

describe("archiveNames()", () => {
  test("reads the names of docker save and of an OCI layout, each once, as the engine writes them", () => {
    const both = {
      manifest: manifest("b:1", "registry.example:5000/a/b:2"),
      index: index({ [containerd]: "docker.io/library/b:1" }),
    };
    assert.deepEqual(imagesOf(both), ["b:1", "registry.example:5000/a/b:2"]);
    assert.deepEqual(imagesOf({ index: index({ [refName]: "docker.io/org/app" }) }), ["org/app:latest"]);
    assert.deepEqual(imagesOf({ index: index({ [containerd]: "docker.io/library/b:1", [refName]: "1" }) }), ["b:1"]);
  });

  test("takes no name from a tag alone, an id, or what is no name", () => {
    const none = "it names no image; save the image by its name, not by its id";
    assert.equal(imagesOf({ index: index({ [refName]: "latest" }, {}) }), none);
    assert.equal(imagesOf({ manifest: manifest("a".repeat(64), "../../etc", "UPPER", "") }), none);
    assert.equal(imagesOf({ manifest: JSON.stringify([{ RepoTags: null }]) }), none);
  });

  test("rejects an archive without a list of images, with a damaged one, or with too many images", () => {
    assert.equal(imagesOf({}), "it has neither a manifest.json nor an index.json");
    assert.equal(imagesOf({ manifest: "[{" }), "its manifest.json or index.json is no JSON");
    for (const odd of ["5", "null", "{}", '["x"]', '[{"RepoTags":{"length":1}}]'])
      assert.equal(typeof imagesOf({ manifest: odd, index: odd }), "string");
    const many = Array.from({ length: 65 }, (_, n) => `app:${n}`);
    assert.equal(imagesOf({ manifest: manifest(...many) }), "it names 65 images; at most 64");
  });

  test("keeps names that every object has", () => {
    assert.deepEqual(imagesOf({ manifest: manifest("constructor", "tostring:1") }), [
      "constructor:latest",
      "tostring:1",
    ]);
  });
});

test("an image is in the first archive that names it and can be used", () => {
  const archive = (name: string, images: readonly string[], problem: string | null = null) => {
    return { name, version: "1", images, problem };
  };
  const known = [archive("a.tar", [], "damaged"), archive("b.tar", ["app:1", "x:1"]), archive("c.tar", ["app:1"])];
  assert.equal(archiveWith(known, "docker.io/library/app:1")?.name, "b.tar");
  assert.equal(archiveWith(known, "app"), null);
  assert.equal(archiveWith(known, "app:1@sha256:aa"), null);
});
