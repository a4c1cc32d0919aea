import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { ContainerPort, ContainerSecurity, ContainerSpec, PodSpec } from "../../../src/core/pod/spec.ts";
import { createOptions } from "../../../src/docker/create-options.ts";
import { gate } from "../../../src/docker/gate.ts";
import type { CreateRequest } from "../../../src/ports/engine.ts";
import { acceptedPod, createRequest } from "../../contract/engine-requests.ts";
import { image, places } from "./gate-requests.ts";

describe("gate", () => {
  it("accepts the payload of any accepted pod", () => {
    fc.assert(
      fc.property(requests, (request) => {
        const options = createOptions(request);
        // Only a root or named image user, which the generator makes too, is a reason.
        if (!options.ok) return assert.match(options.message, /runAsNonRoot|non-root policy/);
        assert.deepEqual(gate({ ...options.payload }, request), { ok: true });
      }),
      { numRuns: 2000 },
    );
  });

  it("rejects the payload of a freer pod for a stricter one", () => {
    fc.assert(
      fc.property(requests, requests, (made, granted) => {
        const options = createOptions(made);
        if (!options.ok) return;
        const request = { ...granted, image: made.image };
        const result = gate({ ...options.payload, Labels: payloadLabels(request) }, request);
        if (!result.ok) return;
        const [asked, allowed] = [made.pod.spec, request.pod.spec];
        const [from, to] = [asked.containers[0]?.securityContext, allowed.containers[0]?.securityContext];
        assert.ok(from && to);
        assert.ok(!from.privileged || to.privileged);
        assert.ok(!from.allowPrivilegeEscalation || to.allowPrivilegeEscalation);
        assert.ok(from.readOnlyRootFilesystem || !to.readOnlyRootFilesystem);
        assert.ok(!asked.hostNetwork || allowed.hostNetwork);
        assert.ok(!asked.hostPID || allowed.hostPID);
        assert.ok((from.capabilities.add ?? []).every((name) => to.capabilities.add?.includes(name)));
      }),
      { numRuns: 2000 },
    );
  });
});

function payloadLabels(request: CreateRequest): unknown {
  const user = { ...request, image: { ...request.image, user: "1000" } };
  const options = createOptions(user);
  return options.ok ? options.payload.Labels : {};
}

const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });
const defined = <T extends object>(value: { [K in keyof T]: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T;
const capability = fc.constantFrom("NET_ADMIN", "CHOWN", "SYS_TIME", "ALL");

const security: fc.Arbitrary<ContainerSecurity> = fc
  .record({
    allowPrivilegeEscalation: fc.boolean(),
    capabilities: fc
      .record({ add: optional(fc.uniqueArray(capability)), drop: optional(fc.constantFrom(["All"], ["chown"], [])) })
      .map((each) => defined<ContainerSecurity["capabilities"]>(each)),
    privileged: fc.boolean(),
    readOnlyRootFilesystem: fc.boolean(),
    runAsNonRoot: fc.boolean(),
    runAsUser: optional(fc.integer({ min: 0, max: 65_535 })),
    runAsGroup: optional(fc.integer({ min: 0, max: 65_535 })),
    seccompProfile: fc.constant({ type: "RuntimeDefault" as const }),
  })
  .map((each) => defined<ContainerSecurity>(each));

const ports: fc.Arbitrary<readonly ContainerPort[]> = fc.uniqueArray(
  fc.record({
    containerPort: fc.integer({ min: 1, max: 65_535 }),
    hostPort: fc.integer({ min: 1024, max: 65_535 }),
    protocol: fc.constantFrom("TCP" as const, "UDP" as const),
    hostIP: fc.constantFrom("127.0.0.1", "10.0.0.1"),
  }),
  { maxLength: 4 },
);

const containers: fc.Arbitrary<Partial<ContainerSpec>> = fc
  .record({
    command: optional(fc.array(fc.string(), { maxLength: 3 })),
    args: optional(fc.array(fc.string(), { maxLength: 3 })),
    env: optional(
      fc.array(fc.record({ name: fc.stringMatching(/^[A-Z]{1,3}$/), value: fc.string() }), { maxLength: 4 }),
    ),
    ports: optional(ports),
    resources: fc.record({
      limits: fc.constantFrom<Record<string, string>>(
        ...[{}, { cpu: "1", memory: "64Mi" }, { memory: "1Ki" }, { cpu: "1m" }, { cpu: "0.0015", memory: "1e8" }],
        ...[
          { cpu: "2500m", memory: "1.5Gi" },
          { cpu: "100u", memory: "7340033" },
          { cpu: "16", memory: "100M" },
        ],
      ),
      requests: fc.constantFrom<Record<string, string>>({}, { cpu: "500m" }, { memory: "1Mi" }, { cpu: "0.3335" }),
    }),
    volumeMounts: fc.subarray([
      { name: "data", mountPath: "/data", readOnly: true },
      { name: "other", mountPath: "/work", readOnly: false },
      { name: "other", mountPath: "/cache", readOnly: true },
    ]),
    securityContext: security,
  })
  .map((each) => defined<Partial<ContainerSpec>>(each));

const specs: fc.Arbitrary<Partial<PodSpec>> = fc
  .record({
    restartPolicy: fc.constantFrom("Always" as const, "OnFailure" as const, "Never" as const),
    hostNetwork: optional(fc.boolean()),
    hostPID: optional(fc.boolean()),
    hostname: optional(fc.constantFrom("own-name")),
  })
  .map((each) => defined<Partial<PodSpec>>(each));

const requests: fc.Arbitrary<CreateRequest> = fc
  .record({
    container: containers,
    spec: specs,
    user: fc.constantFrom("", "0", "1000", "1000:100", "007", "root", "app:app"),
    attempt: fc.nat(1000),
    resolvConf: fc.constantFrom(null, "/srv/resolv.conf"),
  })
  .map(({ container: each, spec, user, attempt, resolvConf }) =>
    createRequest(acceptedPod("web", each, spec), { ...image, user }, { ...places, attempt, resolvConf }),
  );
