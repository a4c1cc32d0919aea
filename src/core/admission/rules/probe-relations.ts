import * as v from "valibot";
import type { PodDraft, ProbeDraft } from "../draft.ts";
import type { Path } from "../findings.ts";
import { eachContainer, type Relation } from "./relation.ts";
import { anyAddress, whole } from "./schema.ts";

const probeNames = ["livenessProbe", "readinessProbe"] as const;
const aPort = whole(1, 65_535);

/** Calls `visit` for every probe of the pod with its path. */
export function eachProbe(pod: PodDraft, visit: (probe: ProbeDraft, path: Path) => void): void {
  eachContainer(pod, (container, at) => {
    for (const name of probeNames) {
      const probe = container[name];
      if (probe !== undefined) visit(probe, [...at, name]);
    }
  });
}

/** Whether an HTTP probe's port and host can be used as they stand. */
export function isUsable(httpGet: NonNullable<ProbeDraft["httpGet"]>): boolean {
  return v.is(aPort, httpGet.port) && (httpGet.host === undefined || v.is(anyAddress, httpGet.host));
}

/** "If the value is empty, probe parameters are not verified": the Pod Update document on httpGet.path. */
export const probeRelations: readonly Relation[] = [
  {
    id: "spec.containers.probe.httpGet.host.address",
    path: "spec.containers[].livenessProbe.httpGet.host",
    expectation: "an IP address",
    source: "Pod Update",
    check: (pod, _context, report) => {
      eachProbe(pod, ({ httpGet }, at) => {
        if (httpGet?.path === undefined || httpGet.host === undefined || v.is(anyAddress, httpGet.host)) return;
        report([...at, "httpGet", "host"], httpGet.host);
      });
    },
  },
  {
    id: "spec.containers.probe.httpGet.port.range",
    path: "spec.containers[].livenessProbe.httpGet.port",
    expectation: "a whole number from 1 to 65535",
    source: "Pod Update",
    check: (pod, _context, report) => {
      eachProbe(pod, ({ httpGet }, at) => {
        if (httpGet?.path === undefined || v.is(aPort, httpGet.port)) return;
        report([...at, "httpGet", "port"], httpGet.port);
      });
    },
  },
  {
    id: "spec.containers.probe.handler",
    path: "spec.containers[].livenessProbe",
    expectation: "one of exec and httpGet, not both",
    source: "Kubernetes: ValidatePodSpec, which the Pod Update document names",
    check: (pod, _context, report) => {
      eachProbe(pod, (probe, at) => {
        if (probe.exec !== undefined && probe.httpGet !== undefined) report(at, probe);
      });
    },
  },
];
