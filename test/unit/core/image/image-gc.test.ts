import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  familiarName,
  type ImageGcInput,
  markUse,
  nextImageToRemove,
  type PulledImage,
  type StoredImage,
  wantedImages,
  withPulled,
} from "../../../../src/core/image/image-gc.ts";
import { history, pod } from "../../../contract/store-samples.ts";

const now = { wall: 1_000_000, mono: 500_000, bootId: "b2" };
const thisBoot = (mono: number) => ({ wall: 5, mono, bootId: "b2" });
const earlierBoot = (wall: number) => ({ wall, mono: 900_000, bootId: "b1" });
const disk = (used: number) => ({ totalBytes: 1_000, freeBytes: 1_000 - used * 10, inodes: null });
const image = (id: string, change: Partial<StoredImage> = {}): StoredImage => ({
  id,
  names: [`reg.example/${id}:1`],
  sizeBytes: 1,
  inUse: false,
  ...change,
});
const pulled = (id: string, change: Partial<PulledImage> = {}): PulledImage => ({
  id,
  name: `reg.example/${id}:1`,
  unusedSince: thisBoot(1_000),
  ...change,
});
const nobody = wantedImages([]);

function next(change: Partial<ImageGcInput>): string | null {
  const all = [image("a"), image("b")];
  const cleaning: ImageGcInput = {
    disk: disk(90),
    limits: { high: 80, low: 70 },
    begun: false,
    images: all,
    pulled: all.map(({ id }) => pulled(id)),
    wanted: nobody,
    spared: new Set(),
    now,
    ...change,
  };
  return nextImageToRemove(cleaning)?.image.id ?? null;
}

describe("nextRemoval()", () => {
  const rows: readonly (readonly [string, Partial<ImageGcInput>, string | null])[] = [
    ["removes the first image above the high mark", {}, "a"],
    ["removes nothing at the high mark", { disk: disk(80) }, null],
    ["does not start between the marks", { disk: disk(75) }, null],
    ["continues between the marks", { disk: disk(75), begun: true }, "a"],
    ["stops at the low mark", { disk: disk(70), begun: true }, null],
    ["removes nothing if the high mark is 100", { disk: disk(100), limits: { high: 100, low: 70 } }, null],
    [
      "removes the longest unused image first",
      { pulled: [pulled("a"), pulled("b", { unusedSince: thisBoot(900) })] },
      "b",
    ],
    [
      "removes images unused before a boot first",
      { pulled: [pulled("a"), pulled("b", { unusedSince: earlierBoot(7) })] },
      "b",
    ],
    [
      "removes the older of two images unused before a boot",
      { pulled: [pulled("a", { unusedSince: earlierBoot(8) }), pulled("b", { unusedSince: earlierBoot(7) })] },
      "b",
    ],
    [
      "keeps an image unused for less than two minutes",
      { pulled: [pulled("a", { unusedSince: thisBoot(380_001) })] },
      null,
    ],
    ["removes an image unused for two minutes", { pulled: [pulled("a", { unusedSince: thisBoot(380_000) })] }, "a"],
    ["keeps an image wanted a moment ago", { pulled: [pulled("a", { unusedSince: null })] }, null],
    ["keeps an image that the agent did not pull", { pulled: [] }, null],
    ["keeps an image that a container uses", { images: [image("a", { inUse: true })] }, null],
    ["skips an image that the engine did not remove", { spared: new Set(["a"]) }, "b"],
    [
      "keeps an image with a name that the agent did not pull",
      { images: [image("a", { names: ["reg.example/a:1", "mine:1"] })] },
      null,
    ],
    ["removes an image that lost its name", { images: [image("a", { names: [] })] }, "a"],
    [
      "removes an image of Docker Hub by its short name",
      { images: [image("a", { names: ["tool:latest"] })], pulled: [pulled("a", { name: "docker.io/library/tool" })] },
      "a",
    ],
    [
      "removes an image with two pulled names",
      {
        images: [image("a", { names: ["reg.example/a:1", "reg.example/a:2"] })],
        pulled: [pulled("a"), pulled("a", { name: "reg.example/a:2" })],
      },
      "a",
    ],
    [
      "keeps an image with one of two names in use until now",
      {
        images: [image("a", { names: ["reg.example/a:1", "reg.example/a:2"] })],
        pulled: [pulled("a"), pulled("a", { name: "reg.example/a:2", unusedSince: thisBoot(499_000) })],
      },
      null,
    ],
    ["keeps an image pinned by a pod", { wanted: { ids: new Set(["a"]), names: new Set() } }, "b"],
    ["keeps an image named by a pod", { wanted: { ids: new Set(), names: new Set(["reg.example/a:1"]) } }, "b"],
    [
      "removes an older image whose name moved to a newer one",
      {
        images: [image("a", { names: [] })],
        pulled: [pulled("a", { name: "" })],
        wanted: { ids: new Set(["c"]), names: new Set(["reg.example/a:1"]) },
      },
      "a",
    ],
  ];
  for (const [name, change, expected] of rows) it(name, () => assert.equal(next(change), expected));

  it("names the reason of a removal", () => {
    const limits = { high: 80, low: 70 };
    const removal = nextImageToRemove({
      disk: disk(90),
      limits,
      begun: false,
      images: [image("a")],
      pulled: [pulled("a")],
      wanted: nobody,
      spared: new Set<string>(),
      now,
    });
    const because =
      "90.0 % of the engine's disk is used, more than 80 %, and this image was unused for the longest time";
    assert.equal(removal?.because, because);
  });
});

describe("the record of images", () => {
  it("keeps images that a spec names or that are pinned as wanted", () => {
    const wanted = wantedImages([{ pod: pod("a", "docker.io/library/app"), history: { app: history } }]);
    assert.deepEqual([[...wanted.ids], [...wanted.names]], [["sha256:1"], ["app:latest"]]);
  });

  it("sets the time of disuse once, and clears it when a pod wants the image again", () => {
    const before = [pulled("a", { unusedSince: null }), pulled("b")];
    const unused = markUse(before, nobody, now);
    assert.deepEqual(unused[0]?.unusedSince, now);
    assert.equal(unused[1], before[1]);
    const again = markUse(unused, { ids: new Set(["a"]), names: new Set() }, now);
    assert.equal(again[0]?.unusedSince, null);
  });

  it("assigns a name to the image last pulled under it", () => {
    const first = withPulled([], { id: "1", name: "app" });
    const second = withPulled(first, { id: "2", name: "docker.io/library/app:latest" });
    assert.deepEqual(
      second.map(({ id, name }) => [id, name]),
      [
        ["1", ""],
        ["2", "docker.io/library/app:latest"],
      ],
    );
    assert.deepEqual(withPulled(second, { id: "2", name: "app" }).length, 2);
  });

  it("drops the oldest images beyond 512", () => {
    let records: readonly PulledImage[] = [];
    for (let n = 0; n < 600; n += 1) records = withPulled(records, { id: `${n}`, name: `app:${n}` });
    assert.deepEqual([records.length, records[0]?.id], [512, "88"]);
  });

  it("compares names as Docker shortens them", () => {
    const rows = [
      ["busybox", "busybox:latest"],
      ["docker.io/library/busybox:1", "busybox:1"],
      ["index.docker.io/team/app", "team/app:latest"],
      ["library/busybox", "busybox:latest"],
      ["reg.example:5000/library/app", "reg.example:5000/library/app:latest"],
      ["reg.example:5000/app@sha256:0", "reg.example:5000/app@sha256:0"],
    ];
    for (const [name = "", short] of rows) assert.equal(familiarName(name), short);
  });
});
