import { stringify } from "yaml";
import { printableValue } from "../core/base/printable.ts";
import { podKey } from "../core/pod/spec.ts";
import type { PodRow } from "../core/status-document.ts";
import { currentStatus } from "./current-status.ts";
import { devicePods, lookAtPods, podDocument } from "./device-pods.ts";
import { openDevice } from "./device-store.ts";
import { namedPod, noSuchPod } from "./named-pod.ts";
import { exitCodes, type Output, pageColumns } from "./output.ts";
import { podTable } from "./pod-table.ts";
import { storedPods } from "./seen-pods.ts";

export interface GetOptions {
  readonly config?: string;
  readonly json: boolean;
  /** A table that fits the terminal if it is left out. */
  readonly output?: "wide" | "json" | "yaml" | "name";
  /** Of every namespace if it is left out. */
  readonly namespace?: string;
}

/** `edge get pods [NAME]` (contracts.md): pods as kubectl prints them; the agent need not run. */
export async function getPodsCommand(name: string | undefined, options: GetOptions, io: Output): Promise<number> {
  const format = options.json ? "json" : options.output;
  if (format === "json" || format === "yaml") return printDocuments(name, { ...options, format }, io);
  const current = await currentStatus(options.config, io);
  if (!current.ok) return current.code;
  const { node } = current.document;
  const pods = current.document.pods.filter(isIn(options));
  const named = name === undefined ? null : namedPod(name, null, pods);
  if (named?.kind === "none") return noSuchPod(named, io);
  const shown = named?.kind === "found" ? pods.filter((pod) => podKey(pod) === podKey(named.pod)) : pods;
  if (format === "name") {
    for (const pod of shown) io.out(shortName(pod, pods));
    return exitCodes.fine;
  }
  if (shown.length === 0) {
    io.err(options.namespace === undefined ? noPods : `${noPods} in namespace ${options.namespace}`);
    return exitCodes.fine;
  }
  const isWide = format === "wide";
  const extra = [
    { title: "IP", cell: ({ podIP }: PodRow) => podIP ?? "<none>" },
    { title: "NODE", cell: () => node.name },
    { title: "NAMESPACE", cell: ({ namespace }: PodRow) => namespace },
  ];
  // A name that a script reads must be whole.
  const columns = isWide || io.terminal === undefined ? Number.POSITIVE_INFINITY : pageColumns(io);
  const table = podTable(printableValue(shown), { nowWall: Date.now(), columns, ...(isWide ? { extra } : {}) });
  for (const line of [table.head, ...table.lines]) io.out(line);
  if (shown.some(({ lastSeen }) => lastSeen !== undefined)) io.err("The engine cannot be asked: edge status says why");
  return exitCodes.fine;
}

const noPods = "No pods on this device";

function isIn({ namespace }: Pick<GetOptions, "namespace">): (pod: { readonly namespace: string }) => boolean {
  return (pod) => namespace === undefined || pod.namespace === namespace;
}

/** `pod/NAME`, with the namespace where another one has a pod of that name. Every command takes it. */
function shortName({ namespace, name }: PodRow, pods: readonly PodRow[]): string {
  const isOnly = pods.every((other) => other.name !== name || other.namespace === namespace);
  return isOnly ? `pod/${name}` : `pod/${namespace}/${name}`;
}

/** One Pod if it is named and there is one, else a List of them. */
async function printDocuments(
  name: string | undefined,
  { config: file, format, ...options }: GetOptions & { readonly format: "json" | "yaml" },
  io: Output,
): Promise<number> {
  const opened = await openDevice(file, io);
  if (!opened.ok) return opened.code;
  const { store, config } = opened;
  const known = devicePods(store).filter(({ metadata }) => isIn(options)(metadata));
  const named =
    name === undefined
      ? null
      : namedPod(
          name,
          null,
          known.map(({ metadata }) => metadata),
        );
  const stored = storedPods(store);
  store.close();
  if (named?.kind === "none") return noSuchPod(named, io);
  const shown = named?.kind === "found" ? known.filter((pod) => podKey(pod.metadata) === podKey(named.pod)) : known;
  const looked = await lookAtPods(config, stored);
  const items = shown.map((pod) => podDocument(pod, looked));
  const list = { apiVersion: "v1", items, kind: "List", metadata: { resourceVersion: "" } };
  const document = named !== null && items.length === 1 ? items[0] : list;
  io.out(format === "json" ? JSON.stringify(document, null, 2) : stringify(document).trimEnd());
  return exitCodes.fine;
}
