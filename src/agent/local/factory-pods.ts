import type { NodeFacts } from "../../core/admission/node-facts.ts";
import { readPodContent } from "../../core/admission/pod-content.ts";
import { counted } from "../../core/base/counted.ts";
import type { Violation } from "../../core/base/violation.ts";
import { type AcceptedPod, podKey } from "../../core/pod/spec.ts";
import type { FactoryFileRow } from "../../core/status-document.ts";
import type { Clock } from "../../ports/clock.ts";
import type { FactoryFiles, FactoryFolder } from "../../ports/factory-files.ts";
import type { Store } from "../../ports/store.ts";
import type { EventRecorder } from "../event-recorder.ts";
import { createWakeableLoop } from "../loop/wakeable-loop.ts";
import type { PodChanges } from "./pod-changes.ts";

export interface FactoryPodsParts {
  readonly store: Pick<Store, "desiredPods">;
  readonly files: FactoryFiles;
  readonly changes: PodChanges;
  readonly clock: Clock;
  readonly events: EventRecorder;
  /** A file is refused, or no longer: it shows in `edge status`. */
  readonly onChanged: () => void;
}

export interface FactoryPods {
  /** Files that are refused, with every violation. */
  refused(): readonly FactoryFileRow[];
  /** For `edge status`: why the folder as a whole counts for nothing. */
  notices(): readonly string[];
  run(signal: AbortSignal): Promise<void>;
}

/** A folder counts once it has stayed the same for so long: a file may be half written, or gone until it is there anew. */
const settleMs = 1_000;
/** Changes are told by the folder itself, and looked for this often. */
const lookMs = 60_000;
/** A refused file is judged again after this: what it lacked may be there. */
const retryMs = 10_000;

interface State {
  folder: FactoryFolder | null;
  /** Stamps at the last look, and since when they are the same; monotonic milliseconds. */
  seen: string | null;
  seenSince: number;
  /** Stamps of the files that were judged, by name. */
  judged: Map<string, string>;
  /** What is wrong with files, by name. */
  refused: Map<string, readonly Violation[]>;
}

/**
 * Factory pods, as the kubelet's static pods: the files of a folder, judged as an update of the center is. A file that goes
 * takes its pod with it; while one is refused, or the folder is not there, the pods that run go on (lifecycle.md, Factory pods).
 */
export function createFactoryPods(parts: FactoryPodsParts): FactoryPods {
  const state: State = { folder: null, seen: null, seenSince: 0, judged: new Map(), refused: new Map() };
  const loop = createWakeableLoop(parts.clock);
  return {
    refused: () => [...state.refused].map(([file, violations]) => ({ file, violations })),
    notices: () => folderNotices(parts, state.folder),
    run(signal) {
      parts.files.watch(loop.wake, signal);
      return loop.run(() => runOnce(parts, state), signal);
    },
  };
}

function factoryPodsOf(store: FactoryPodsParts["store"]): readonly AcceptedPod[] {
  return store.desiredPods.list().flatMap(({ pod }) => (fileOf(pod) === null ? [] : [pod]));
}

function fileOf({ origin }: Pick<AcceptedPod, "origin">): string | null {
  return origin?.kind === "factory" ? origin.file : null;
}

function folderNotices({ store, files }: FactoryPodsParts, folder: FactoryFolder | null): readonly string[] {
  const path = files.folder;
  const pods = factoryPodsOf(store);
  if (folder === null || (folder.kind === "missing" && pods.length === 0)) return [];
  const goOn = pods.length === 0 ? "" : ` The factory pods that run go on.`;
  switch (folder.kind) {
    case "missing":
      return [`The folder of factory pods, ${path}, is missing.${goOn}`];
    case "unreadable":
      return [`The folder of factory pods, ${path}, cannot be used: ${folder.reason}.${goOn}`];
    case "read":
      return folder.more === 0
        ? []
        : [
            `Over the limit and not read in ${path}: ${counted(folder.more, "file")}. Delete files that are not needed.`,
          ];
    default:
      return folder satisfies never;
  }
}

/** Gives the milliseconds after which to look again by itself. */
async function runOnce(parts: FactoryPodsParts, state: State): Promise<number> {
  const folder = parts.files.look();
  const before = folderNotices(parts, state.folder).join();
  state.folder = folder;
  if (folderNotices(parts, folder).join() !== before) parts.onChanged();
  if (folder.kind !== "read") return lookMs;
  const seen = JSON.stringify([...folder.files]);
  if (seen !== state.seen) {
    state.seen = seen;
    state.seenSince = parts.clock.mono();
  }
  // The folder wakes several times for one change.
  const settlesInMs = state.seenSince + settleMs - parts.clock.mono();
  if (settlesInMs > 0) return settlesInMs;
  await bringInLine(parts, state, folder);
  return state.refused.size > 0 ? retryMs : lookMs;
}

type ReadFolder = Extract<FactoryFolder, { readonly kind: "read" }>;

/** A file as it was read: the pod's content, or what is wrong with it. */
type ReadFile =
  | { readonly ok: true; readonly content: unknown; readonly key: string | null }
  | { readonly ok: false; readonly violations: readonly Violation[] };

async function bringInLine(parts: FactoryPodsParts, state: State, folder: ReadFolder): Promise<void> {
  const { files, more } = folder;
  const contents = new Map<string, ReadFile>();
  for (const [file, stamp] of files) {
    if (state.judged.get(file) !== stamp || state.refused.has(file)) contents.set(file, await readFile(parts, file));
  }
  const before = JSON.stringify([...state.refused]);
  for (const file of state.refused.keys()) if (!files.has(file)) state.refused.delete(file);
  // Of too many files nobody knows which one has gone.
  if (more === 0) deleteWithoutFile(parts, files, contents);
  for (const [file, read] of contents) {
    const violations = read.ok ? applyFile(parts, file, read, files) : read.violations;
    setRefused(parts, state, file, violations);
  }
  state.judged = new Map(files);
  if (JSON.stringify([...state.refused]) !== before) parts.onChanged();
}

async function readFile({ files }: FactoryPodsParts, file: string): Promise<ReadFile> {
  const text = await files.read(file);
  if (!text.ok) return { ok: false, violations: [fileProblem(text.reason)] };
  const content = readPodContent(text.json);
  return content.ok ? content : { ok: false, violations: [fileProblem(content.reason)] };
}

function fileProblem(message: string): Violation {
  return { path: "", rule: "local.file", message, value: null };
}

/** The pods whose files have gone, but for those that another file has: that one was renamed. */
function deleteWithoutFile(
  { store, changes }: FactoryPodsParts,
  files: ReadonlyMap<string, string>,
  contents: ReadonlyMap<string, ReadFile>,
): void {
  const claimed = new Set([...contents.values()].map((read) => (read.ok ? read.key : null)));
  for (const pod of factoryPodsOf(store)) {
    const file = fileOf(pod) ?? "";
    if (files.has(file) || claimed.has(podKey(pod.id))) continue;
    deletePod(changes, pod, file);
  }
}

function deletePod(changes: PodChanges, { id }: AcceptedPod, file: string): void {
  const asked = { namespace: id.namespace, name: id.name, graceSeconds: null };
  changes.deletePod(asked, { origin: { kind: "factory", file }, isForced: false, request: `the end of file ${file}` });
}

/** Applies one file; gives what is wrong with it. */
function applyFile(
  parts: FactoryPodsParts,
  file: string,
  { content, key }: Extract<ReadFile, { ok: true }>,
  files: ReadonlyMap<string, string>,
): readonly Violation[] {
  const { store, changes } = parts;
  const others = factoryPodsOf(store).filter((pod) => fileOf(pod) === file && podKey(pod.id) !== key);
  const facts = factsFor(changes.facts(), file, others, files);
  const changed = changes.applyPod(
    content,
    { origin: { kind: "factory", file }, isForced: false, request: `file ${file}` },
    facts,
  );
  if (!changed.ok) return changed.violations;
  // The file had another pod before.
  for (const pod of others) deletePod(changes, pod, file);
  return [];
}

/** The device without the pods that this file had before; a pod whose own file has gone is this one's. */
function factsFor(
  facts: NodeFacts,
  file: string,
  others: readonly AcceptedPod[],
  files: ReadonlyMap<string, string>,
): NodeFacts {
  const gone = new Set(others.map(({ id }) => podKey(id)));
  const pods = facts.pods
    .filter(({ metadata }) => !gone.has(podKey({ namespace: metadata.namespace ?? "", name: metadata.name })))
    .map((pod) =>
      pod.origin?.kind === "factory" && !files.has(pod.origin.file)
        ? { ...pod, origin: { kind: "factory" as const, file } }
        : pod,
    );
  return { ...facts, pods };
}

/** An event for each other refusal, not for each look. */
function setRefused(parts: FactoryPodsParts, state: State, file: string, violations: readonly Violation[]): void {
  const before = state.refused.get(file);
  if (violations.length === 0) {
    state.refused.delete(file);
    return;
  }
  state.refused.set(file, violations);
  const words = violations.map(({ message }) => message).join("; ");
  if (before?.map(({ message }) => message).join("; ") === words) return;
  const pod = factoryPodsOf(parts.store).find((known) => fileOf(known) === file);
  const event = { type: "Warning", reason: "RequestRefused", message: `file ${file}: ${words}` } as const;
  if (pod === undefined) parts.events.recordDeviceEvent(event);
  else parts.events.recordPodEvent(podKey(pod.id), event);
}
