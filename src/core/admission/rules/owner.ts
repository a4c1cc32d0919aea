import ipaddr from "ipaddr.js";
import * as v from "valibot";
import type { ContainerDraft, PodDraft, SecurityDraft } from "../draft.ts";
import { cleanPath, pathList } from "../path.ts";
import type { Policy } from "../policy.ts";
import { capabilityName, isCapability } from "./capabilities.ts";
import { hostPathRules } from "./host-paths.ts";
import { eachProbe } from "./probe-relations.ts";
import { eachContainer, type Relation } from "./relation.ts";
import { anyAddress } from "./schema.ts";

/** The pod's volumes that containers may write to (decisions.md 18: volumes are read-only unless the owner decides). */
function writableVolumes(pod: PodDraft, policy: Policy): ReadonlySet<string | undefined> {
  const isListed = pathList(policy.writableHostPaths);
  const writable = new Set<string | undefined>();
  for (const { name, emptyDir, hostPath } of pod.spec?.volumes ?? []) {
    if (emptyDir !== undefined && policy.writableEmptyDir) writable.add(name);
    if (hostPath?.path !== undefined && isListed(cleanPath(hostPath.path))) writable.add(name);
  }
  return writable;
}

const mounts: Relation = {
  id: "policy.readOnly",
  path: "spec.containers[].volumeMounts[].readOnly",
  expectation: "true, because policy.writableHostPaths and policy.writableEmptyDir do not allow writing there",
  source: "Pod Update; decisions.md 18",
  check: (pod, { policy }, report) => {
    const writable = writableVolumes(pod, policy);
    eachContainer(pod, ({ volumeMounts }, at) => {
      volumeMounts?.forEach(({ name, readOnly }, index) => {
        if (readOnly === true || (name !== undefined && writable.has(name))) return;
        report([...at, "volumeMounts", index, "readOnly"], readOnly);
      });
    });
  },
};

/** A row for a field of securityContext that needs a switch. */
function switchedSecurity(
  name: keyof SecurityDraft,
  needsSwitch: (value: unknown) => boolean,
  isOn: (policy: Policy) => boolean,
  expectation: string,
): Relation {
  return {
    id: `policy.${name}`,
    path: `spec.containers[].securityContext.${name}`,
    expectation,
    source: "Pod Update; protocol.md §2.6",
    check: (pod, { policy }, report) => {
      if (isOn(policy)) return;
      eachContainer(pod, ({ securityContext }, at) => {
        const value = securityContext?.[name];
        if (needsSwitch(value)) report([...at, "securityContext", name], value);
      });
    },
  };
}

function addedOf({ securityContext }: ContainerDraft): readonly string[] {
  return securityContext?.capabilities?.add ?? [];
}

function aboutCapabilities(
  row: Omit<Relation, "check" | "path">,
  breaks: (name: string, policy: Policy) => boolean,
): Relation {
  return {
    ...row,
    path: "spec.containers[].securityContext.capabilities.add[]",
    check: (pod, { policy }, report) => {
      eachContainer(pod, (container, at) => {
        addedOf(container).forEach((name, index) => {
          if (breaks(capabilityName(name), policy))
            report([...at, "securityContext", "capabilities", "add", index], name);
        });
      });
    },
  };
}

const security: readonly Relation[] = [
  aboutCapabilities(
    { id: "policy.capabilities.known", expectation: "a capability that Linux knows", source: "decisions.md 17" },
    (name) => name !== "ALL" && !isCapability(name),
  ),
  aboutCapabilities(
    {
      id: "policy.capabilities",
      expectation: "a capability that policy.capabilities of this device lists",
      source: "decisions.md 17",
    },
    // ALL in the policy stands for each of them; ALL in a message only for itself.
    (name, { capabilities }) =>
      (name === "ALL" || isCapability(name)) && !capabilities.includes(name) && !capabilities.includes("ALL"),
  ),
  switchedSecurity(
    "privileged",
    (value) => value === true,
    (policy) => policy.privileged,
    "false, because policy.privileged is off on this device",
  ),
  ...(["runAsUser", "runAsGroup"] as const).map((name) =>
    switchedSecurity(
      name,
      (value) => value === 0,
      (policy) => policy.runAsRoot,
      "1 to 65535, because policy.runAsRoot is off on this device",
    ),
  ),
  switchedSecurity(
    "readOnlyRootFilesystem",
    (value) => value === false,
    (policy) => policy.allowReadWriteRootFs,
    "true, because policy.allowReadWriteRootFs is off on this device",
  ),
  switchedSecurity(
    "allowPrivilegeEscalation",
    (value) => value === true,
    (policy) => policy.allowPrivilegeEscalation,
    "false, because policy.allowPrivilegeEscalation is off on this device",
  ),
];

function switchedSpec(
  name: "hostNetwork" | "hostPID",
  isOn: (policy: Policy) => boolean,
  switchName: string,
): Relation {
  return {
    id: `policy.${switchName}`,
    path: `spec.${name}`,
    expectation: `false, because policy.${switchName} is off on this device`,
    source: "protocol.md §2.3",
    check: (pod, { policy }, report) => {
      if (pod.spec?.[name] === true && !isOn(policy)) report(["spec", name], true);
    },
  };
}

const memoryEmptyDir: Relation = {
  id: "policy.memoryEmptyDir",
  path: "spec.volumes[].emptyDir.medium",
  expectation: 'leave it out or write "", because policy.memoryEmptyDir is off on this device',
  source: "Pod Update; decisions.md 19",
  check: (pod, { policy }, report) => {
    if (policy.memoryEmptyDir) return;
    pod.spec?.volumes?.forEach(({ emptyDir }, index) => {
      if (emptyDir?.medium === "Memory") report(["spec", "volumes", index, "emptyDir", "medium"], emptyDir.medium);
    });
  },
};

const probeOtherHosts: Relation = {
  id: "policy.probeOtherHosts",
  path: "spec.containers[].livenessProbe.httpGet.host",
  expectation:
    "leave it out, or use a loopback address or one that the pod publishes the port on: policy.probeOtherHosts is off on this device",
  source: "decisions.md 63",
  check: (pod, { policy }, report) => {
    if (policy.probeOtherHosts) return;
    const published = new Set<string>();
    eachContainer(pod, ({ ports }) => {
      for (const { hostIP, hostPort } of ports ?? []) published.add(`${hostIP} ${hostPort}`);
    });
    eachProbe(pod, ({ httpGet }, at) => {
      const host = httpGet?.host;
      if (host === undefined || !v.is(anyAddress, host) || ipaddr.parse(host).range() === "loopback") return;
      if (!published.has(`${host} ${httpGet?.port}`)) report([...at, "httpGet", "host"], host);
    });
  },
};

/** What the device's owner allows, on top of the rules (contracts.md, `policy`). */
export const ownerRules: readonly Relation[] = [
  ...hostPathRules,
  memoryEmptyDir,
  mounts,
  ...security,
  switchedSpec("hostNetwork", (policy) => policy.useHostNetwork, "useHostNetwork"),
  probeOtherHosts,
  switchedSpec("hostPID", (policy) => policy.hostPid, "hostPid"),
];
