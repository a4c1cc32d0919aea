import { ownValue } from "../../base/own-value.ts";
import { isNpu } from "../../pod/npu.ts";
import { nanosOf } from "../../pod/quantity.ts";
import type { ContainerDraft, MountDraft, PortDraft } from "../draft.ts";
import type { Path } from "../findings.ts";
import { cleanPath } from "../path.ts";
import { amountOf } from "../resources.ts";
import { probeRelations } from "./probe-relations.ts";
import { eachContainer, type Relation, tellRepeated } from "./relation.ts";

const mostConfigMapVolumes = 16;

const volumes: readonly Relation[] = [
  {
    id: "spec.volumes.source",
    path: "spec.volumes[]",
    expectation: "exactly one of hostPath, configMap, emptyDir",
    source: "decisions.md 11",
    check: (pod, _context, report) => {
      pod.spec?.volumes?.forEach((volume, index) => {
        const { hostPath, configMap, emptyDir } = volume;
        const found = Number(hostPath !== undefined) + Number(configMap !== undefined) + Number(emptyDir !== undefined);
        if (found === 1) return;
        const detail = `expected exactly one of hostPath, configMap, emptyDir, and found ${found || "none"}`;
        report(["spec", "volumes", index], volume, detail);
      });
    },
  },
  {
    id: "spec.volumes.configMap.count",
    path: "spec.volumes[].configMap",
    expectation: "at most 16 volumes from ConfigMaps",
    source: "docs/security.md, Limits",
    check: (pod, _context, report) => {
      const volumes = pod.spec?.volumes ?? [];
      const all = volumes.filter(({ configMap }) => configMap !== undefined);
      // Each may have 256 files, which are written in one go.
      const tooMany = all[mostConfigMapVolumes];
      if (tooMany === undefined) return;
      const at = ["spec", "volumes", volumes.indexOf(tooMany), "configMap"];
      report(at, all.length, `expected at most ${mostConfigMapVolumes} of them`);
    },
  },
  {
    id: "spec.volumes.name.unique",
    path: "spec.volumes[].name",
    expectation: "a name that no other volume of the pod has",
    source: "protocol.md §2.4",
    check: (pod, _context, report) => {
      tellRepeated(
        pod.spec?.volumes ?? [],
        ({ name }) => name,
        (index, { name }) => report(["spec", "volumes", index, "name"], name),
      );
    },
  },
];

/** A relation inside one list of each container: no two elements alike. */
function uniqueInContainer<T>(
  row: Omit<Relation, "check">,
  listOf: (container: ContainerDraft) => { readonly name: string; readonly items: readonly T[] },
  keyOf: (item: T) => string | undefined,
  fieldOf: (item: T) => readonly [field: string, value: unknown],
): Relation {
  return {
    ...row,
    check: (pod, _context, report) => {
      eachContainer(pod, (container, at) => {
        const { name, items } = listOf(container);
        tellRepeated(items, keyOf, (index, item) => {
          const [field, value] = fieldOf(item);
          report([...at, name, index, field], value);
        });
      });
    },
  };
}

const portsOf = ({ ports }: ContainerDraft) => ({ name: "ports", items: ports ?? [] });
const mountsOf = ({ volumeMounts }: ContainerDraft) => ({ name: "volumeMounts", items: volumeMounts ?? [] });

function portKey({ containerPort, protocol }: PortDraft): string | undefined {
  return containerPort === undefined || protocol === undefined ? undefined : `${protocol} ${containerPort}`;
}

const containers: readonly Relation[] = [
  {
    id: "spec.containers.name.unique",
    path: "spec.containers[].name",
    expectation: "a name that no other container of the pod has",
    source: "protocol.md §2.5",
    check: (pod, _context, report) => {
      tellRepeated(
        pod.spec?.containers ?? [],
        ({ name }) => name,
        (index, { name }) => report(["spec", "containers", index, "name"], name),
      );
    },
  },
  uniqueInContainer(
    {
      id: "spec.containers.env.name.unique",
      path: "spec.containers[].env[].name",
      expectation: "a name that no other variable of the container has",
      source: "protocol.md §2.5",
    },
    ({ env }) => ({ name: "env", items: env ?? [] }),
    ({ name }) => name,
    ({ name }) => ["name", name],
  ),
  uniqueInContainer(
    {
      id: "spec.containers.ports.containerPort.unique",
      path: "spec.containers[].ports[].containerPort",
      expectation: "a port that no other entry of the container has for the same protocol",
      source: "decisions.md 13",
    },
    portsOf,
    portKey,
    ({ containerPort }) => ["containerPort", containerPort],
  ),
  uniqueInContainer(
    {
      id: "spec.containers.volumeMounts.mountPath.unique",
      path: "spec.containers[].volumeMounts[].mountPath",
      expectation: "a path that no other mount of the container has",
      source: "protocol.md §2.5",
    },
    mountsOf,
    ({ mountPath }: MountDraft) => (mountPath === undefined ? undefined : cleanPath(mountPath)),
    ({ mountPath }) => ["mountPath", mountPath],
  ),
  uniqueInContainer(
    {
      id: "spec.containers.volumeMounts.name.unique",
      path: "spec.containers[].volumeMounts[].name",
      expectation: "a volume that no other mount of the container has",
      source: "protocol.md §2.5",
    },
    mountsOf,
    ({ name }: MountDraft) => name,
    ({ name }) => ["name", name],
  ),
];

/** Rules about one mount. */
function aboutMounts(
  row: Omit<Relation, "check">,
  breaks: (mount: MountDraft, volumeNames: ReadonlySet<string | undefined>) => boolean,
  field: "name" | "mountPath",
): Relation {
  return {
    ...row,
    check: (pod, _context, report) => {
      const names = new Set((pod.spec?.volumes ?? []).map(({ name }) => name));
      eachContainer(pod, ({ volumeMounts }, at) => {
        volumeMounts?.forEach((mount, index) => {
          if (breaks(mount, names)) report([...at, "volumeMounts", index, field], mount[field]);
        });
      });
    },
  };
}

const mounts: readonly Relation[] = [
  aboutMounts(
    {
      id: "spec.containers.volumeMounts.mountPath.root",
      path: "spec.containers[].volumeMounts[].mountPath",
      expectation: "a path below the container's root",
      source: "Docker mounts nothing over /",
    },
    ({ mountPath }) => mountPath !== undefined && cleanPath(mountPath) === "/",
    "mountPath",
  ),
  aboutMounts(
    {
      id: "spec.containers.volumeMounts.name.volume",
      path: "spec.containers[].volumeMounts[].name",
      expectation: "the name of a volume of the pod",
      source: "decisions.md 12",
    },
    ({ name }, names) => name !== undefined && !names.has(name),
    "name",
  ),
];

function leastRequest(resource: "cpu" | "memory", least: string, words: string): Relation {
  const nanos = nanosOf(least);
  return {
    id: `spec.containers.resources.requests.${resource}.least`,
    path: `spec.containers[].resources.requests.${resource}`,
    expectation: `at least ${words}`,
    source: "protocol.md §2.5",
    check: (pod, _context, report) => {
      eachContainer(pod, ({ resources }, at) => {
        const { requests } = resources ?? {};
        // Without requests the row of that field has told.
        if (requests === undefined || (amountOf(requests, resource) ?? 0n) >= nanos) return;
        report([...at, "resources", "requests", resource], requests[resource]);
      });
    },
  };
}

/** Names of a list under which an amount is compared: all NPU names are one. */
function sameNames(list: object): readonly string[] {
  return Object.keys(list).map((name) => (isNpu(name) ? "npu" : name));
}

function reportAboveLimit(
  container: ContainerDraft,
  report: (path: Path, value: unknown, detail?: string) => void,
): void {
  const { limits, requests } = container.resources ?? {};
  for (const [name, asked] of Object.entries(requests ?? {})) {
    const resource = isNpu(name) ? "npu" : name;
    const limit = amountOf(limits, resource);
    const request = amountOf(requests, resource);
    if (limit !== null && request !== null && request > limit) {
      const written = ownValue(limits ?? {}, name);
      const detail = written === undefined ? undefined : `expected at most its limit, ${written}`;
      report(["resources", "requests", name], asked, detail);
    }
  }
}

const resources: readonly Relation[] = [
  leastRequest("cpu", "10m", "10m (0.01)"),
  leastRequest("memory", "4Mi", "4Mi"),
  {
    id: "spec.containers.resources.requests.limit",
    path: "spec.containers[].resources.requests",
    expectation: "no more than the limit of the same resource",
    source: "protocol.md §2.5",
    check: (pod, _context, report) => {
      eachContainer(pod, (container, at) => {
        reportAboveLimit(container, (path, value, detail) => report([...at, ...path], value, detail));
      });
    },
  },
  {
    id: "spec.containers.resources.npu.once",
    path: "spec.containers[].resources",
    expectation: "npu or huawei.com/Ascend310, not both: they mean the same",
    source: "decisions.md 4",
    check: (pod, _context, report) => {
      eachContainer(pod, (container, at) => {
        for (const kind of ["limits", "requests"] as const) {
          const list = container.resources?.[kind];
          if (list === undefined || sameNames(list).filter((name) => name === "npu").length < 2) continue;
          report([...at, "resources", kind], list);
        }
      });
    },
  },
];

/** What must hold between the fields of one pod, whatever the device. */
export const podRelations: readonly Relation[] = [
  ...volumes,
  ...containers,
  ...mounts,
  ...resources,
  ...probeRelations,
];
