import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  type ContainerIdentity,
  canonicalJson,
  containerLabels,
  containerName,
  parseContainerName,
  parseIdentity,
  podHash,
  podHashes,
  specHash,
} from "../../../../src/core/pod/identity.ts";
import type { ContainerSpec, PodSpec } from "../../../../src/core/pod/spec.ts";
import { acceptedPod } from "../../../contract/engine-requests.ts";

const identity: ContainerIdentity = {
  container: "app",
  pod: { namespace: "websocket", name: "web-1.x", uid: "11111111-2222-4333-8444-555555555555" },
  attempt: 3,
  installId: "install-1",
  generation: 2,
  podHash: "0123456789abcdef",
  specHash: "fedcba9876543210",
  restartPolicy: "OnFailure",
};
const name = "edge_app_web-1.x_websocket_11111111-2222-4333-8444-555555555555_3";

describe("The name of a container", () => {
  it("names pod, container and attempt, with or without Docker's slash", () => {
    assert.equal(containerName(identity), name);
    const { container, pod, attempt } = identity;
    assert.deepEqual(parseContainerName(name), { container, pod, attempt });
    assert.deepEqual(parseContainerName(`/${name}`), { container, pod, attempt });
  });

  it("survives any names that Kubernetes allows", () => {
    const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
    fc.assert(
      fc.property(label, label, label, fc.uuid(), fc.nat(999_999), (container, podName, namespace, uid, attempt) => {
        const parts = { container, pod: { name: podName, namespace, uid }, attempt };
        assert.deepEqual(parseContainerName(containerName(parts)), parts);
      }),
    );
  });

  for (const other of [
    "",
    "edge",
    "redis",
    "k8s_app_web_websocket_uid_0",
    "edge_app_web_websocket_uid",
    "edge_app_web_websocket_uid_0_1",
    "edge_app_web_websocket_uid_-1",
    "edge_app_web_websocket_uid_01",
    "edge_app_web_websocket_uid_1e3",
    "edge__web_websocket_uid_0",
    "edge_app_web_websocket__0",
    "edge_a/p_web_websocket_uid_0",
    "//edge_app_web_websocket_uid_0",
  ]) {
    it(`is not ${JSON.stringify(other)}`, () => assert.equal(parseContainerName(other), null));
  }
});

describe("The identity of a container", () => {
  it("comes back from name and labels", () => {
    assert.deepEqual(parseIdentity(name, containerLabels(identity)), identity);
    assert.deepEqual(parseIdentity(`/${name}`, { ...containerLabels(identity), other: "1" }), identity);
  });

  it("is rejected if a label is missing or differs from the name", () => {
    const labels = containerLabels(identity);
    for (const key of Object.keys(labels)) {
      const { [key]: _, ...rest } = labels;
      assert.equal(parseIdentity(name, rest), null, `without ${key}`);
      if (key !== "edge.install") assert.equal(parseIdentity(name, { ...labels, [key]: "else" }), null, `other ${key}`);
    }
    assert.equal(parseIdentity("/somebody", labels), null);
    assert.equal(parseIdentity(name.replace("app", "apq"), labels), null);
  });
});

describe("The hashes of pod and container", () => {
  const base = acceptedPod("web", {
    ports: [{ containerPort: 80, hostPort: 8080, protocol: "TCP", hostIP: "127.0.0.1" }],
    volumeMounts: [{ name: "data", mountPath: "/data", readOnly: true }],
  }).spec;
  const [only] = base.containers as readonly [ContainerSpec];
  const withVolumes: PodSpec = {
    ...base,
    volumes: [
      { name: "data", hostPath: { path: "/a" } },
      { name: "other", emptyDir: {} },
    ],
  };
  const two: PodSpec = { ...withVolumes, containers: [only, { ...only, name: "side" }] };
  const otherPorts: ContainerSpec = { ...only, ports: [] };

  it("are 16 hex digits, and do not depend on the order of fields", () => {
    assert.match(podHash(base), /^[0-9a-f]{16}$/);
    assert.match(specHash(only, base), /^[0-9a-f]{16}$/);
    const turned = Object.fromEntries(Object.entries(only).reverse()) as unknown as ContainerSpec;
    assert.equal(specHash(turned, base), specHash(only, base));
    assert.equal(podHash(structuredClone(base)), podHash(base));
  });

  it("have the values of earlier versions, so that an upgrade restarts no pod", () => {
    assert.equal(podHash(base), "1b0c60d205ad045a");
    assert.equal(specHash(only, withVolumes), "05315c12bc0aa5a6");
  });

  it("are computed together for a whole pod", () => {
    const containers = Object.fromEntries(two.containers.map((one) => [one.name, specHash(one, two)]));
    assert.deepEqual(podHashes(two), { pod: podHash(two), containers });
  });

  it("include in the pod's hash: sandbox, ports, host network, host PIDs, hostname", () => {
    const changes: readonly PodSpec[] = [
      two,
      { ...base, containers: [otherPorts] },
      { ...base, hostNetwork: true },
      { ...base, hostPID: true },
      { ...base, hostname: "h" },
    ];
    assert.equal(new Set([base, ...changes].map(podHash)).size, changes.length + 1);
    const same: readonly PodSpec[] = [
      { ...base, hostNetwork: false, hostPID: false },
      { ...base, containers: [{ ...only, image: "other" }], restartPolicy: "Never", terminationGracePeriodSeconds: 1 },
    ];
    for (const spec of same) assert.equal(podHash(spec), podHash(base));
  });

  it("include in a container's hash: its fields and the sources of its volumes", () => {
    const changed = (container: ContainerSpec, spec: PodSpec) =>
      specHash(container, spec) !== specHash(only, withVolumes);
    const moved: PodSpec = {
      ...withVolumes,
      volumes: [
        { name: "data", hostPath: { path: "/b" } },
        { name: "other", emptyDir: {} },
      ],
    };
    const unrelated: PodSpec = { ...withVolumes, volumes: [{ name: "data", hostPath: { path: "/a" } }] };
    assert.ok(changed({ ...only, image: "other" }, withVolumes));
    assert.ok(changed(only, moved));
    assert.ok(!changed(only, unrelated));
    assert.ok(changed(otherPorts, withVolumes));
    assert.ok(!changed(only, { ...withVolumes, restartPolicy: "Never" }));
  });

  it("leave the ports out of the hash of a container with a sandbox", () => {
    assert.equal(specHash(only, two), specHash(otherPorts, two));
    assert.notEqual(podHash(two), podHash({ ...two, containers: [otherPorts, ...two.containers.slice(1)] }));
  });

  it("take keys in the order of their characters, numbers and the words of every object as well", () => {
    const volumes = JSON.parse('{"b":1,"9":{"10":2,"2":3},"__proto__":4,"10":5}') as unknown;
    assert.equal(canonicalJson([volumes]), '[{"10":5,"9":{"10":2,"2":3},"__proto__":4,"b":1}]');
  });

  it("ignore undefined fields", () => {
    assert.equal(canonicalJson({ b: 1, a: [undefined, { d: null, c: undefined }] }), '{"a":[null,{"d":null}],"b":1}');
  });
});
