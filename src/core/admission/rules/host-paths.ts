import { otherPods } from "../capacity.ts";
import { type AdmissionContext, defaultProtectedPaths } from "../context.ts";
import type { PodDraft } from "../draft.ts";
import { cleanPath, foldersAbove, isBelow, pathList } from "../path.ts";
import type { Relation } from "./relation.ts";

/** No pod may mount these, on any device (decisions.md 27: each is a way to own the device). */
export const kernelPaths: readonly string[] = ["/proc", "/sys", "/dev"];

/** The one part of the engine's folder that pods may see. */
export const modelFiles = "/var/lib/docker/modelfile";

/** Whether a cleaned path shows, or lies in, something that no pod may see (cleaned paths as well). */
export function isProtected(path: string, protectedPaths: readonly string[]): boolean {
  return protectedPlace(path, protectedPaths) !== null;
}

/** What no pod may see of what a cleaned path shows or lies in; null if there is nothing. */
function protectedPlace(path: string, protectedPaths: readonly string[]): string | null {
  if (path === "/") return path;
  if (path === modelFiles || isBelow(path, modelFiles)) return null;
  const shows = (entry: string) => path === entry || isBelow(path, entry) || isBelow(entry, path);
  return kernelPaths.find(shows) ?? protectedPaths.find(shows) ?? null;
}

function protectedSentence(path: string, place: string): string {
  if (place === path) return "no pod may see it, whatever the policy says";
  return `it ${isBelow(path, place) ? "lies in" : "contains"} ${place}, which no pod may see, whatever the policy says`;
}

/** Whether an entry of the owner's lists shows a pod nothing, because all that it allows is protected. */
export function isVain(entry: string, protectedPaths: readonly string[]): boolean {
  if (!entry.endsWith("/**")) return isProtected(entry, protectedPaths);
  const folder = entry.slice(0, -3);
  // No entry can hold that character: it stands for all that lies below.
  return !isBelow(modelFiles, folder) && isProtected(`${folder}/?`, protectedPaths);
}

/**
 * A row about every hostPath of the pod; `prepare` is called once for all of them, and not at all for none. A text says more
 * than that the path breaks it.
 */
function aboutHostPaths(
  row: Omit<Relation, "check" | "path">,
  prepare: (pod: PodDraft, context: AdmissionContext, spec: Mounting) => (path: string) => boolean | string,
): Relation {
  return {
    ...row,
    path: "spec.volumes[].hostPath.path",
    check: (pod, context, report) => {
      let breaks: ((path: string) => boolean | string) | null = null;
      const { spec } = pod;
      spec?.volumes?.forEach(({ hostPath }, index) => {
        if (hostPath?.path === undefined) return;
        breaks ??= prepare(pod, context, spec);
        const broken = breaks(cleanPath(hostPath.path));
        if (broken === false) return;
        report(["spec", "volumes", index, "hostPath", "path"], hostPath.path, broken === true ? undefined : broken);
      });
    },
  };
}

/** As much of a pod as says what it mounts: one that is being judged, or one that was accepted. */
interface Mounting {
  readonly volumes?: readonly { readonly name?: string; readonly hostPath?: { readonly path?: string } }[];
  readonly containers?: readonly {
    readonly volumeMounts?: readonly { readonly name?: string; readonly readOnly?: boolean | null }[];
  }[];
}

/** Cleaned host paths of a pod. */
function mountedPaths({ volumes }: Mounting): readonly string[] {
  return (volumes ?? []).flatMap(({ hostPath }) => (hostPath?.path === undefined ? [] : [cleanPath(hostPath.path)]));
}

/** Those among them that a container of the pod mounts writable. */
function writablePaths({ volumes, containers }: Mounting): readonly string[] {
  const mounts = (containers ?? []).flatMap(({ volumeMounts }) => volumeMounts ?? []);
  const writable = new Set(mounts.filter(({ readOnly }) => readOnly !== true).map(({ name }) => name));
  return mountedPaths({ volumes: (volumes ?? []).filter(({ name }) => writable.has(name)) });
}

/** What a pod may mount of the device. */
export const hostPathRules: readonly Relation[] = [
  aboutHostPaths(
    {
      id: "policy.hostPath.protected",
      expectation:
        "a path that neither contains nor lies in /proc, /sys, /dev or a folder of the engine or the agent, which no pod may see",
      source: "decisions.md 27",
    },
    (_pod, { protectedPaths }) => {
      const cleaned = (protectedPaths ?? defaultProtectedPaths).map(cleanPath);
      return (path) => {
        const place = protectedPlace(path, cleaned);
        return place !== null && protectedSentence(path, place);
      };
    },
  ),
  aboutHostPaths(
    {
      id: "policy.hostPaths",
      expectation: "a path that policy.hostPaths of this device lists",
      source: "decisions.md 20",
    },
    (_pod, { policy, protectedPaths }) => {
      const isListed = pathList([...policy.hostPaths, ...policy.writableHostPaths]);
      const cleaned = (protectedPaths ?? defaultProtectedPaths).map(cleanPath);
      // Of a path that no policy allows, the policy has nothing to say.
      return (path) => !isListed(path) && !isProtected(path, cleaned);
    },
  ),
  aboutHostPaths(
    {
      id: "policy.hostPath.belowWritable",
      expectation: "a path that is not below one that a pod may write to",
      source: "decisions.md 20: a pod that may write to the folder above could put a link in its place",
    },
    (pod, { policy, node }, spec) => {
      const exact = policy.writableHostPaths.filter((entry) => !entry.endsWith("/**")).map(cleanPath);
      const ofOthers = otherPods(pod, node).flatMap((other) => writablePaths(other.spec));
      const writable = new Set([...exact, ...writablePaths(spec), ...ofOthers]);
      return (path) => foldersAbove(path).some((folder) => writable.has(folder));
    },
  ),
  aboutHostPaths(
    {
      id: "policy.hostPath.aboveMounted",
      expectation: "a read-only path, or one below which no other pod mounts a path",
      source: "decisions.md 20: a pod that may write to the folder above could put a link in its place",
    },
    (pod, { node }, spec) => {
      const writable = new Set(writablePaths(spec));
      const above = new Set(otherPods(pod, node).flatMap((other) => mountedPaths(other.spec).flatMap(foldersAbove)));
      return (path) => writable.has(path) && above.has(path);
    },
  ),
];
