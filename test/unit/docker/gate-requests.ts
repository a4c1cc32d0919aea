import assert from "node:assert/strict";
import type { ContainerPort, ContainerSpec } from "../../../src/core/pod/spec.ts";
import { createOptions } from "../../../src/docker/create-options.ts";
import type { CreateRequest, ImageInfo } from "../../../src/ports/engine.ts";
import { acceptedPod, createRequest } from "../../contract/engine-requests.ts";

export type Fields = Record<string, unknown>;

export const image: ImageInfo = {
  id: `sha256:${"a".repeat(64)}`,
  user: "65534",
  architecture: "amd64",
  volumes: ["/cache"],
};
const port: ContainerPort = { containerPort: 80, hostPort: 8080, protocol: "TCP", hostIP: "127.0.0.1" };
export const container: Partial<ContainerSpec> = {
  ports: [port],
  volumeMounts: [{ name: "data", mountPath: "/data", readOnly: true }],
};
export const places: Partial<CreateRequest> = {
  volumePaths: { data: "/srv/data", other: "/srv/other" },
  coveredPaths: { "/cache": "/srv/empty" },
  resolvConf: "/srv/resolv.conf",
  terminationLog: "/srv/log",
  oomScoreAdj: 500,
};
/** A request for a pod that asks for nothing beyond the defaults. */
export const strict = createRequest(acceptedPod("web", container), image, places);

/** The payload for a request, to be changed by the test. */
export function payloadOf(request: CreateRequest): Fields & { HostConfig: Fields } {
  const result = createOptions(request);
  if (!result.ok) assert.fail(result.message);
  return structuredClone(result.payload) as unknown as Fields & { HostConfig: Fields };
}

/** The mount of the volume `data`, with fields changed. */
export function mount(changes: Fields): Fields {
  const BindOptions = { Propagation: "rprivate" };
  return { Type: "bind", Source: "/srv/data", Target: "/data", ReadOnly: true, BindOptions, ...changes };
}
