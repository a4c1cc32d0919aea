import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { admitPod } from "../../../src/core/admission/admit.ts";
import { featureGates } from "../../../src/core/admission/feature-gates.ts";
import { defaultPolicy, type Policy } from "../../../src/core/admission/policy.ts";
import { createOptions } from "../../../src/docker/create-options.ts";
import { gate } from "../../../src/docker/gate.ts";
import { createRequest } from "../../contract/engine-requests.ts";

/** Absent, or one of these. */
const maybe = (...values: readonly unknown[]) => fc.option(fc.constantFrom(...values), { nil: undefined });
const flag = () => maybe(true, false);

const policies: fc.Arbitrary<Policy> = fc
  .record({
    privileged: fc.boolean(),
    allowPrivilegeEscalation: fc.boolean(),
    allowReadWriteRootFs: fc.boolean(),
    runAsRoot: fc.boolean(),
    useHostNetwork: fc.boolean(),
    hostPid: fc.boolean(),
    writableEmptyDir: fc.boolean(),
    useDefaultContainerCap: fc.boolean(),
    capabilities: fc.subarray(["CHOWN", "NET_ADMIN", "ALL"]),
    hostPaths: fc.subarray(["/srv/data", "/srv/**"]),
    writableHostPaths: fc.subarray(["/srv/data"]),
  })
  .map((switches) => ({ ...defaultPolicy, ...switches }));

const contents = fc
  .record({
    security: fc.record({
      privileged: flag(),
      allowPrivilegeEscalation: flag(),
      readOnlyRootFilesystem: flag(),
      runAsNonRoot: flag(),
      runAsUser: maybe(0, 1, 1000, 65_535),
      runAsGroup: maybe(0, 1, 1000),
      capabilities: maybe(
        { add: ["CHOWN"] },
        { add: ["CAP_NET_ADMIN"], drop: ["all"] },
        { add: ["ALL"] },
        { drop: [] },
      ),
    }),
    hostNetwork: flag(),
    hostPID: flag(),
    hostname: maybe("own-name"),
    command: maybe(["/bin/app"], []),
    args: maybe(["--mode=a"]),
    env: maybe([{ name: "MODE", value: "a" }]),
    ports: maybe([{ containerPort: 80, hostPort: 8080, protocol: "UDP", hostIP: "127.0.0.1" }], []),
    path: fc.constantFrom("/srv/data", "/srv/data/", "/srv//other/./deep", "/srv/data/below"),
    readOnly: fc.boolean(),
    emptyReadOnly: fc.boolean(),
    limits: maybe({ cpu: "1", memory: "64Mi" }, { memory: "4Mi" }, {}),
  })
  .map(({ security, path, readOnly, emptyReadOnly, limits, hostNetwork, hostPID, hostname, ...container }) => ({
    metadata: { name: "app" },
    spec: {
      hostNetwork,
      hostPID,
      hostname,
      volumes: [
        { name: "data", hostPath: { path } },
        { name: "scratch", emptyDir: {} },
      ],
      containers: [
        {
          name: "main",
          image: "app:1",
          ...container,
          securityContext: security,
          resources: { requests: { cpu: "10m", memory: "4Mi" }, limits },
          volumeMounts: [
            { name: "data", mountPath: "/data", readOnly },
            { name: "scratch", mountPath: "/scratch", readOnly: emptyReadOnly },
          ],
        },
      ],
    },
  }));

const node = {
  allocatable: { cpu: "4", memory: "8Gi" },
  addresses: ["127.0.0.1"],
  listening: { tcp: [], udp: [] },
  pods: [],
  configMaps: [],
};
const image = { id: `sha256:${"a".repeat(64)}`, user: "65534", architecture: "amd64", volumes: ["/cache"] };
const places = {
  volumePaths: { data: "/srv/data", scratch: "/var/lib/edge/pods/1/scratch" },
  coveredPaths: { "/cache": "/var/lib/edge/pods/1/covered" },
};

test("the gate accepts every pod that admission accepts, under any policy", () => {
  let accepted = 0;
  fc.assert(
    fc.property(policies, contents, (policy, content) => {
      // Through JSON, as a message comes: what is undefined is not there.
      const context = { policy, node, featureGates, nodeName: "edge-1" };
      const verdict = admitPod(JSON.parse(JSON.stringify(content)), context);
      if (!verdict.accepted) return;
      const request = createRequest(verdict.value, image, places);
      const options = createOptions(request);
      // A user that is root, by number or by the image's group alone, is the one thing that only the image tells.
      if (!options.ok) return assert.match(options.message, /runAsNonRoot|non-root/);
      accepted += 1;
      assert.deepEqual(gate({ ...options.payload }, request), { ok: true });
      const { Privileged, NetworkMode, PidMode } = options.payload.HostConfig;
      assert.ok(!Privileged || policy.privileged);
      assert.ok(NetworkMode !== "host" || policy.useHostNetwork);
      assert.ok(PidMode !== "host" || policy.hostPid);
    }),
    { numRuns: 5_000, seed: 1 },
  );
  assert.ok(accepted > 100, `${accepted} accepted`);
});
