import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { containerLabels, containerName } from "../../../src/core/pod/identity.ts";
import { imageFacts, imageOversize, isImageName, taggedName } from "../../../src/docker/image.ts";
import { listedContainer, observedContainer } from "../../../src/docker/inspect.ts";
import { ageSeconds, stableKey } from "../../../src/docker/list.ts";
import { engineEvent, eventQuery, isImageEvent } from "../../../src/docker/watch.ts";

const identity = {
  container: "app",
  pod: { namespace: "websocket", name: "web", uid: "u-1" },
  attempt: 3,
  installId: "install-1",
  generation: 2,
  podHash: "0123456789abcdef",
  specHash: "fedcba9876543210",
  restartPolicy: "Never",
} as const;
const name = containerName(identity);
const labels = containerLabels(identity);
const zero = "0001-01-01T00:00:00Z";
const createdAt = "2026-01-02T03:04:05.1Z";
const noProgram = "OCI runtime create failed: exec: stat /nope: no such file or directory";
const startedAt = "2026-01-02T03:04:05.123456789Z";
const finishedAt = "2026-01-02T03:04:06.5Z";

function answer(state: object, address = ""): object {
  return {
    Id: "abc",
    Created: createdAt,
    Name: `/${name}`,
    Image: "sha256:1",
    Config: { Image: "sha256:1", Labels: labels },
    State: { Error: "", OOMKilled: false, ExitCode: 0, StartedAt: zero, FinishedAt: zero, Running: false, ...state },
    NetworkSettings: { Networks: { bridge: { IPAddress: address, EndpointID: "" } } },
  };
}

describe("observedContainer", () => {
  const cases: readonly (readonly [string, object, object])[] = [
    ["created", { Status: "created" }, { kind: "created" }],
    [
      "created, with a program that cannot start",
      { Status: "created", ExitCode: 127, Error: noProgram },
      { kind: "created", startError: noProgram, cannotRun: { exitCode: 127, createdAt } },
    ],
    [
      "created, with a program that cannot start and no exit code",
      { Status: "created", ExitCode: 0, Error: noProgram },
      { kind: "created", startError: noProgram, cannotRun: { exitCode: 128, createdAt } },
    ],
    [
      "created, with a program that cannot start, and being removed",
      { Status: "created", ExitCode: 127, Error: "driver failed to remove root filesystem" },
      {
        kind: "created",
        startError: "driver failed to remove root filesystem",
        cannotRun: { exitCode: 127, createdAt },
      },
    ],
    [
      "created, with a start that the device prevented",
      { Status: "created", ExitCode: 128, Error: "Bind for 0.0.0.0:80 failed: port is already allocated" },
      { kind: "created", startError: "Bind for 0.0.0.0:80 failed: port is already allocated" },
    ],
    ["running", { Status: "running", Running: true, StartedAt: startedAt }, { kind: "running", startedAt }],
    [
      "paused",
      { Status: "paused", Running: true, Paused: true, StartedAt: startedAt },
      { kind: "running", startedAt, paused: true },
    ],
    [
      "exited, killed for memory",
      { Status: "exited", ExitCode: 137, OOMKilled: true, StartedAt: startedAt, FinishedAt: finishedAt },
      { kind: "exited", exitCode: 137, oomKilled: true, error: "", startedAt, finishedAt },
    ],
    [
      "dead",
      { Status: "dead", Dead: true, ExitCode: 1, Error: "x", StartedAt: startedAt, FinishedAt: finishedAt },
      { kind: "exited", exitCode: 1, oomKilled: false, error: "x", startedAt, finishedAt },
    ],
  ];
  for (const [title, state, expected] of cases) {
    it(`reads the state of a container that is ${title}`, () =>
      assert.deepEqual(observedContainer(answer(state))?.state, expected));
  }

  it("reads the identity from name and labels, and the address while the container runs", () => {
    const running = answer({ Status: "running", Running: true, StartedAt: startedAt }, "172.17.0.2");
    assert.deepEqual(observedContainer(running), {
      id: "abc",
      ...identity,
      state: { kind: "running", startedAt },
      imageId: "sha256:1",
      image: "sha256:1",
      ip: "172.17.0.2",
    });
    assert.equal(observedContainer(answer({ Status: "exited", StartedAt: startedAt }, "172.17.0.2"))?.ip, undefined);
    const joined = { ...running, HostConfig: { NetworkMode: "container:def" } };
    assert.equal(observedContainer(joined)?.ip, undefined, "podman shows it the sandbox's");
  });

  it("returns null for a container without a pod and for another answer", () => {
    const whole = answer({});
    for (const other of [null, 7, "x", [], {}, { ...whole, Config: null }, { ...whole, Id: 3 }]) {
      assert.equal(observedContainer(other), null);
    }
  });

  it("identifies a container by its labels, and reports a rename or a missing network", () => {
    assert.equal(observedContainer({ ...answer({}), Name: "/redis" })?.renamed, "redis");
    assert.equal(observedContainer(answer({}))?.renamed, undefined);
    const runs = answer({ Status: "running", Running: true, StartedAt: startedAt });
    const apart = (NetworkMode: string) =>
      observedContainer({ ...runs, HostConfig: { NetworkMode }, NetworkSettings: { Networks: {} } })?.disconnected;
    assert.deepEqual(["default", "bridge", "host", "slirp4netns", "container:abc"].map(apart), [
      true,
      true,
      undefined,
      undefined,
      undefined,
    ]);
    assert.equal(observedContainer({ ...runs, HostConfig: { NetworkMode: "default" } })?.disconnected, undefined);
  });
});

describe("a listed container", () => {
  const entry = {
    Id: "abc",
    Names: ["/other/alias", `/${name}`],
    Labels: labels,
    State: "running",
    Status: "Up 5 minutes",
    NetworkSettings: { Networks: { bridge: { EndpointID: "e1" } } },
  };
  const keyOf = (changes: object): string | null => {
    const listed = listedContainer({ ...entry, ...changes });
    assert.ok(listed);
    return stableKey(listed);
  };

  it("belongs to a pod by its labels, and its name is not that of a link", () => {
    assert.deepEqual([listedContainer(entry)?.id, listedContainer(entry)?.renamed], ["abc", undefined]);
    assert.equal(listedContainer({ ...entry, Names: ["/other"] })?.renamed, "other");
    assert.equal(listedContainer({ ...entry, Names: null }), null);
    assert.equal(listedContainer({ ...entry, Labels: {} }), null);
  });

  it("is inspected again if its key changed or is missing", () => {
    assert.equal(keyOf({}), keyOf({ Status: "Up 6 minutes" }));
    assert.notEqual(keyOf({}), keyOf({ NetworkSettings: { Networks: { bridge: { EndpointID: "e2" } } } }));
    assert.equal(keyOf({ NetworkSettings: { Networks: {} } }), null);
    assert.equal(keyOf({ State: "created", Status: "Created" }), null);
    assert.equal(keyOf({ State: "paused" }), null);
    const dead = { State: "exited", Status: "Exited (0) 5 minutes ago" };
    assert.equal(keyOf(dead), keyOf({ ...dead, Status: "Exited (0) 6 minutes ago" }));
    assert.notEqual(keyOf(dead), keyOf({ ...dead, Status: "Exited (1) 5 minutes ago" }));
    assert.notEqual(keyOf(dead), keyOf({}));
  });

  it("grows older until it is started again", () => {
    const ages = [
      "Exited (0) Less than a second ago",
      "Exited (0) 1 second ago",
      "Exited (0) 59 seconds ago",
      "Exited (0) About a minute ago",
      "Exited (0) 46 minutes ago",
      "Exited (0) About an hour ago",
      "Exited (137) 47 hours ago",
      "Exited (137) 13 days ago",
      "Exited (137) 8 weeks ago",
      "Exited (137) 23 months ago",
      "Exited (137) 2 years ago",
    ].map(ageSeconds);
    assert.deepEqual(
      ages,
      ages.toSorted((a, b) => a - b),
    );
    assert.equal(new Set(ages).size, ages.length);
    assert.equal(ageSeconds("Created"), 0);
  });
});

describe("an image", () => {
  it("has the digest of the name it was requested by", () => {
    const digests = [`docker.test/a@sha256:${"1".repeat(64)}`, `r.test:5000/b@sha256:${"2".repeat(64)}`];
    const inspected = {
      Id: "sha256:9",
      RepoDigests: digests,
      Architecture: "arm64",
      Config: { User: "7", Volumes: { "/v": {} } },
    };
    const facts = imageFacts(inspected, "r.test:5000/b:1");
    assert.deepEqual(facts, { id: "sha256:9", digest: digests[1], user: "7", architecture: "arm64", volumes: ["/v"] });
    assert.equal(imageFacts(inspected, "sha256:9")?.digest, digests[0]);
    const bare = { Id: "sha256:9", RepoDigests: null, Architecture: "amd64", Config: null };
    assert.deepEqual(imageFacts(bare, "a"), { id: "sha256:9", user: "", architecture: "amd64", volumes: [] });
    assert.equal(imageFacts({}, "a"), null);
  });

  it("is rejected if its labels would make every list of containers too long", () => {
    const labelled = (bytes: number) => ({ Id: "sha256:9", Config: { Labels: { long: "x".repeat(bytes) } } });
    assert.equal(imageOversize(labelled(200_000)), null);
    assert.equal(imageOversize({ Id: "sha256:9", Config: null }), null);
    assert.match(
      imageOversize(labelled(9 << 20)) ?? "",
      /configuration .* has 9437\d\d\d characters; expected at most 262144/,
    );
  });

  it("gets the tag latest if it has none, so that only one tag is pulled", () => {
    const digest = `a@sha256:${"1".repeat(64)}`;
    assert.deepEqual(["a", "r.test:5000/a", "r.test:5000/a:1", digest].map(taggedName), [
      "a:latest",
      "r.test:5000/a:latest",
      "r.test:5000/a:1",
      digest,
    ]);
  });

  it("is rejected if its name is a path", () => {
    for (const good of [
      "a",
      "a:1",
      "r.test:5000/a/b-c_d:V1.0",
      `a@sha256:${"1".repeat(64)}`,
      `sha256:${"1".repeat(64)}`,
      "a/b:1@sha256:00",
    ]) {
      assert.ok(isImageName(good), good);
    }
    for (const bad of ["", "../a", "a/../b", "a?x", "a#x", "a b", "/a", "a/", "a:", "a\n"])
      assert.ok(!isImageName(bad), bad);
  });
});

describe("an event of the engine", () => {
  const event = { Type: "container", Action: "die", Actor: { ID: "abc", Attributes: { ...labels, name, image: "x" } } };

  it("names container and pod", () => {
    assert.deepEqual(engineEvent(event), { action: "die", containerId: "abc", namespace: "websocket", name: "web" });
  });

  it("uses Docker's words for every engine", () => {
    assert.equal(engineEvent({ ...event, Action: "died" })?.action, "die");
    assert.equal(engineEvent({ ...event, Action: "remove" })?.action, "destroy");
    const { event: asked, label } = eventQuery(0, "podman").filters;
    assert.ok(["die", "died", "destroy", "remove"].every((word) => asked?.includes(word)));
    assert.equal(label, undefined, "podman finds no event by a label without its value");
  });

  it("is ignored if it is not about a container of a pod", () => {
    const attributes = event.Actor.Attributes;
    for (const other of [
      null,
      {},
      { ...event, Type: "image" },
      { ...event, Action: "exec_create: sh" },
      { ...event, Action: "health_status: healthy" },
      { ...event, Actor: { ID: "abc", Attributes: { ...attributes, "edge.install": "" } } },
      { ...event, Actor: { ID: "abc", Attributes: { name } } },
    ]) {
      assert.equal(engineEvent(other), null);
    }
  });

  it("tells that images have changed", () => {
    for (const Action of ["pull", "tag", "untag", "delete", "load"]) {
      assert.ok(isImageEvent({ Type: "image", Action, Actor: { ID: "sha256:1", Attributes: {} } }), Action);
      assert.ok(eventQuery(0, "docker").filters["event"]?.includes(Action));
    }
    assert.ok(!isImageEvent(event));
    assert.ok(!isImageEvent({ Type: "image", Action: "save" }));
  });

  it("is requested from shortly before now, also if the clock is in 1970", () => {
    assert.equal(eventQuery(10_500, "docker").since, 8);
    assert.equal(eventQuery(500, "docker").since, 0);
  });
});
