import { kindProblem } from "../core/admission/local.ts";
import { readPodContent } from "../core/admission/pod-content.ts";
import type { Config } from "../core/config/config.ts";
import { podKey } from "../core/pod/spec.ts";
import { printAnswer } from "./apply.ts";
import { inNamespace, type NamespaceOption } from "./command-adder.ts";
import { askAgent } from "./control-client.ts";
import { openDevice } from "./device-store.ts";
import { namedPod, noSuchPod } from "./named-pod.ts";
import { exitCodes, type Output } from "./output.ts";
import { type PodText, readPods } from "./pod-file.ts";

export interface ChangePodOptions extends NamespaceOption {
  readonly config?: string;
  readonly json: boolean;
  readonly force?: true;
}

export interface DeleteOptions extends ChangePodOptions {
  /** Seconds; the pod's own without it. */
  readonly gracePeriod?: string;
  /** Files of Pods, which are deleted by the names in them. */
  readonly filename?: readonly string[];
}

/** `edge delete NAME...` (contracts.md). */
export async function deleteCommand(names: readonly string[], options: DeleteOptions, io: Output): Promise<number> {
  const { filename = [], gracePeriod } = options;
  if (names.length === 0 && filename.length === 0) {
    io.err("edge delete takes the names of pods, or -f FILE");
    return exitCodes.usage;
  }
  const file = names.find((name) => /\.(?:ya?ml|json)$/.test(name));
  if (file !== undefined) {
    io.err(`${file} is not the name of a pod. Write edge delete -f ${file}`);
    return exitCodes.usage;
  }
  let code: number = exitCodes.fine;
  const ofFiles: string[] = [];
  for (const pod of await readPods(filename)) {
    const read = nameOf(pod);
    if (read.ok) ofFiles.push(read.name);
    else {
      io.err(`${pod.subject}: ${read.reason}`);
      code = exitCodes.usage;
    }
  }
  const grace = gracePeriod === undefined ? {} : { graceSeconds: gracePeriod };
  return Math.max(code, await changeEach([...names, ...ofFiles], options, io, "DELETE", "", grace));
}

type FileName = { readonly ok: true; readonly name: string } | { readonly ok: false; readonly reason: string };

/** namespace/name of a Pod in a file. */
function nameOf(pod: PodText): FileName {
  if (!pod.ok) return pod;
  const read = readPodContent(pod.json);
  if (!read.ok) return read;
  const otherKind = kindProblem(read.content);
  if (otherKind !== null) return { ok: false, reason: otherKind.message };
  return read.key === null
    ? { ok: false, reason: "names no pod: metadata.name is missing" }
    : { ok: true, name: read.key };
}

/** `edge restart NAME...` (contracts.md). */
export async function restartCommand(names: readonly string[], options: ChangePodOptions, io: Output): Promise<number> {
  return changeEach(names, options, io, "POST", "/restart", {});
}

async function changeEach(
  names: readonly string[],
  options: ChangePodOptions,
  io: Output,
  method: "POST" | "DELETE",
  verb: string,
  asked: Readonly<Record<string, string>>,
): Promise<number> {
  let code: number = exitCodes.fine;
  // As kubectl has it: "delete pod web".
  const pods = names.length > 1 && ["pod", "pods", "po"].includes(names[0] ?? "") ? names.slice(1) : names;
  for (const name of pods) {
    const found = await find(inNamespace(name, options), options, io, method === "DELETE");
    if (!found.ok) {
      code = Math.max(code, found.code);
      continue;
    }
    const force = options.force === true ? { force: "true" } : {};
    const query = { namespace: found.namespace, ...asked, ...force };
    const answer = await askAgent(found.config, { method, path: `/v1/pods/${found.name}${verb}`, query });
    code = Math.max(code, printAnswer(found.name, answer, options.json, io));
    if (answer.kind === "unanswered") break;
  }
  return code;
}

type Found =
  | { readonly ok: true; readonly config: Config; readonly namespace: string; readonly name: string }
  | { readonly ok: false; readonly code: number };

/** The pod by its name or the beginning of it, as the store has it; what is deleted has to be named in full. */
async function find(name: string, options: ChangePodOptions, io: Output, needsWhole: boolean): Promise<Found> {
  const opened = await openDevice(options.config, io);
  if (!opened.ok) return opened;
  const { store, config } = opened;
  const named = namedPod(name, store);
  store.close();
  const isWhole = named.kind === "found" && [named.pod.name, podKey(named.pod)].includes(name.replace(/^pods?\//, ""));
  if (named.kind === "found" && (isWhole || !needsWhole)) return { ok: true, config, ...named.pod };
  if (named.kind === "found") {
    io.err(`edge delete requires the whole name; did you mean ${named.pod.name}?`);
    return { ok: false, code: exitCodes.no };
  }
  if (named.kind === "none") return { ok: false, code: noSuchPod(named, io) };
  io.err(`There is no pod ${name} on this device any more`);
  return { ok: false, code: exitCodes.no };
}
