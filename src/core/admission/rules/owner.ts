import { type AdmissionContext, defaultProtectedPaths } from "../context.ts";
import type { ContainerDraft, PodDraft, SecurityDraft } from "../draft.ts";
import { cleanPath, foldersAbove, isBelow, pathList } from "../path.ts";
import type { Policy } from "../policy.ts";
import { capabilityName, isCapability } from "./capabilities.ts";
import { eachContainer, type Relation } from "./relation.ts";

/** Never a pod's, whatever the device: decisions.md 27. */
const kernelPaths = ["/proc", "/sys", "/dev"] as const;

/** The one part of the engine's folder that pods may see. */
const modelFiles = "/var/lib/docker/modelfile";

/** Whether a cleaned path shows, or lies in, something that no pod may see (cleaned paths as well). */
export function isProtected(path: string, protectedPaths: readonly string[]): boolean {
  if (path === "/") return true;
  if (path === modelFiles || isBelow(path, modelFiles)) return false;
  const shows = (entry: string) => path === entry || isBelow(path, entry) || isBelow(entry, path);
  return kernelPaths.some(shows) || protectedPaths.some(shows);
}

/** Whether an entry of the owner's lists shows a pod nothing, because all that it allows is protected. */
export function isVain(entry: string, protectedPaths: readonly string[]): boolean {
  if (!entry.endsWith("/**")) return isProtected(entry, protectedPaths);
  const folder = entry.slice(0, -3);
  // No entry can hold that character: it stands for all that lies below.
  return !isBelow(modelFiles, folder) && isProtected(`${folder}/?`, protectedPaths);
}

/** A row about every hostPath of the pod; `prepare` is called once for all of them. */
function aboutHostPaths(
  row: Omit<Relation, "check" | "path">,
  prepare: (pod: PodDraft, context: AdmissionContext) => (path: string) => boolean,
): Relation {
  return {
    ...row,
    path: "spec.volumes[].hostPath.path",
    check: (pod, context, say) => {
      const volumes = pod.spec?.volumes ?? [];
      const breaks = prepare(pod, context);
      for (const [index, { hostPath }] of volumes.entries()) {
        if (hostPath?.path === undefined || !breaks(cleanPath(hostPath.path))) continue;
        say(["spec", "volumes", index, "hostPath", "path"], hostPath.path);
      }
    },
  };
}

/** Cleaned host paths that a container of the pod mounts writable. */
function writablePaths(pod: PodDraft): readonly string[] {
  const writable = new Set<string | undefined>();
  eachContainer(pod, ({ volumeMounts }) => {
    for (const { name, readOnly } of volumeMounts ?? []) if (readOnly !== true) writable.add(name);
  });
  return (pod.spec?.volumes ?? []).flatMap(({ name, hostPath }) =>
    hostPath?.path !== undefined && writable.has(name) ? [cleanPath(hostPath.path)] : [],
  );
}

const hostPaths: readonly Relation[] = [
  aboutHostPaths(
    {
      id: "policy.hostPath.protected",
      expectation:
        "a path that neither shows nor lies in /proc, /sys, /dev, the engine's or the agent's own folders, which no pod may see",
      source: "decisions.md 27",
    },
    (_pod, { protectedPaths }) => {
      const cleaned = (protectedPaths ?? defaultProtectedPaths).map(cleanPath);
      return (path) => isProtected(path, cleaned);
    },
  ),
  aboutHostPaths(
    {
      id: "policy.hostPaths",
      expectation: "a path that this device's policy lists in hostPaths",
      source: "decisions.md 20",
    },
    (_pod, { policy }) => {
      const isListed = pathList([...policy.hostPaths, ...policy.writableHostPaths]);
      return (path) => !isListed(path);
    },
  ),
  aboutHostPaths(
    {
      id: "policy.hostPath.belowWritable",
      expectation: "a path that does not lie below one that a pod may write to",
      source: "lifecycle.md, Engine: who may write the folder above could put a link in its place",
    },
    (pod, { policy }) => {
      const exact = policy.writableHostPaths.filter((entry) => !entry.endsWith("/**")).map(cleanPath);
      const writable = new Set([...exact, ...writablePaths(pod)]);
      return (path) => foldersAbove(path).some((folder) => writable.has(folder));
    },
  ),
];

/** Names of the pod's volumes that the policy lets a container write to (decisions.md 18). */
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
  expectation: "true, as this device's policy lets nobody write there",
  source: "Pod Update; decisions.md 18",
  check: (pod, { policy }, say) => {
    const writable = writableVolumes(pod, policy);
    eachContainer(pod, ({ volumeMounts }, at) => {
      for (const [index, { name, readOnly }] of (volumeMounts ?? []).entries()) {
        if (readOnly === true || (name !== undefined && writable.has(name))) continue;
        say([...at, "volumeMounts", index, "readOnly"], readOnly);
      }
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
    check: (pod, { policy }, say) => {
      if (isOn(policy)) return;
      eachContainer(pod, ({ securityContext }, at) => {
        const value = securityContext?.[name];
        if (needsSwitch(value)) say([...at, "securityContext", name], value);
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
    check: (pod, { policy }, say) => {
      eachContainer(pod, (container, at) => {
        for (const [index, name] of addedOf(container).entries()) {
          if (breaks(capabilityName(name), policy)) say([...at, "securityContext", "capabilities", "add", index], name);
        }
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
      expectation: "a capability that this device's policy lists in capabilities",
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
    "false, as this device's policy (privileged) does not allow it",
  ),
  ...(["runAsUser", "runAsGroup"] as const).map((name) =>
    switchedSecurity(
      name,
      (value) => value === 0,
      (policy) => policy.runAsRoot,
      "1 to 65535, as this device's policy (runAsRoot) does not allow 0",
    ),
  ),
  switchedSecurity(
    "readOnlyRootFilesystem",
    (value) => value === false,
    (policy) => policy.allowReadWriteRootFs,
    "true, as this device's policy (allowReadWriteRootFs) does not allow anything else",
  ),
  switchedSecurity(
    "allowPrivilegeEscalation",
    (value) => value === true,
    (policy) => policy.allowPrivilegeEscalation,
    "false, as this device's policy (allowPrivilegeEscalation) does not allow it",
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
    expectation: `false, as this device's policy (${switchName}) does not allow it`,
    source: "protocol.md §2.3",
    check: (pod, { policy }, say) => {
      if (pod.spec?.[name] === true && !isOn(policy)) say(["spec", name], true);
    },
  };
}

const memoryEmptyDir: Relation = {
  id: "policy.memoryEmptyDir",
  path: "spec.volumes[].emptyDir.medium",
  expectation: "it absent or empty, as this device's policy (memoryEmptyDir) does not allow Memory",
  source: "Pod Update; decisions.md 19",
  check: (pod, { policy }, say) => {
    if (policy.memoryEmptyDir) return;
    for (const [index, { emptyDir }] of (pod.spec?.volumes ?? []).entries()) {
      if (emptyDir?.medium === "Memory") say(["spec", "volumes", index, "emptyDir", "medium"], emptyDir.medium);
    }
  },
};

/** What the device's owner allows, on top of the rules (contracts.md, `policy`). */
export const ownerRules: readonly Relation[] = [
  ...hostPaths,
  memoryEmptyDir,
  mounts,
  ...security,
  switchedSpec("hostNetwork", (policy) => policy.useHostNetwork, "useHostNetwork"),
  switchedSpec("hostPID", (policy) => policy.hostPid, "hostPid"),
];
