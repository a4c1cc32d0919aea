import { hostname } from "node:os";
import { nodeNow } from "../agent/messages/node-now.ts";
import { admitMessage, admitPodContent, isGracefulDelete } from "../core/admission/admit.ts";
import { type AdmissionContext, type Asker, defaultProtectedPaths } from "../core/admission/context.ts";
import { featureGates } from "../core/admission/feature-gates.ts";
import { admitLocalPod } from "../core/admission/local.ts";
import type { NodeFacts } from "../core/admission/node-facts.ts";
import { defaultPolicy, type Policy } from "../core/admission/policy.ts";
import { everyRule } from "../core/admission/rule-index.ts";
import { isObject } from "../core/base/json-keys.ts";
import type { Verdict, Violation, Warning } from "../core/base/violation.ts";
import { type Config, ownPaths } from "../core/config/config.ts";
import { decodeMessage } from "../core/protocol/message.ts";
import { readFacts } from "../linux/node-facts.ts";
import { emptyDocument, readDocuments } from "../linux/pod-document.ts";
import { linesOf as linesOfConfig, loadConfig } from "./config-file.ts";
import { readConfig } from "./device-store.ts";
import { engineDeadlines } from "./engine-deadlines.ts";
import { type InputFile, readInputs } from "./input-file.ts";
import { parseFacts } from "./node-facts-file.ts";
import { exitCodes, type Output } from "./output.ts";
import { documentNames } from "./pod-file.ts";
import { isOfPolicy, policySentence, verdictLines, violationCount } from "./verdict-lines.ts";

/** How `edge validate` is asked (contracts.md). */
export interface ValidateOptions {
  /** File with the facts that replace the device's own. */
  readonly node?: string;
  readonly json: boolean;
  /** Configuration file whose policy judges; without any, the default policy does. */
  readonly config?: string;
  /** Id of a rule to explain instead of judging a file. */
  readonly explain?: string;
}

/** The line of `--json`, one a document. */
interface Judged {
  readonly file: string;
  readonly accepted: boolean;
  readonly violations: readonly Violation[];
  readonly warnings: readonly Warning[];
}

/** `edge validate FILE...`: would this device accept it? Gives the exit code. */
export async function validateCommand(files: readonly string[], options: ValidateOptions, io: Output): Promise<number> {
  if (options.explain !== undefined) return explain(options.explain, options.json, io);
  if (files.length === 0) {
    io.err("Name at least one file: edge validate FILE...");
    return exitCodes.usage;
  }
  const context = await contextOf(options, io);
  if (typeof context === "string") {
    io.err(context);
    return exitCodes.usage;
  }
  let code: number = exitCodes.fine;
  const ofPolicy: Violation[] = [];
  for (const read of await readInputs(files)) {
    if (!read.ok) {
      io.err(`${read.subject} cannot be read: ${read.reason}`);
      code = exitCodes.usage;
      continue;
    }
    for (const judged of await judgeEach(read, context.admission)) {
      if (!judged.accepted) code = Math.max(code, exitCodes.no);
      if (options.json) io.out(JSON.stringify(judged));
      else for (const line of linesOf(judged)) io.out(line);
      ofPolicy.push(...judged.violations.filter(isOfPolicy));
    }
  }
  if (ofPolicy.length > 0 && !options.json && context.file !== null) io.out(policySentence(context.file, ofPolicy));
  return code;
}

interface Judgement {
  readonly admission: AdmissionContext;
  /** The configuration with the policy; null without one. */
  readonly file: string | null;
}

/** What files are judged by, or why that cannot be told. */
async function contextOf(options: ValidateOptions, io: Output): Promise<Judgement | string> {
  const loaded = loadConfig(options.config, { strict: options.config !== undefined });
  if (!loaded.ok && options.config !== undefined) return linesOfConfig(loaded).join("\n");
  if (loaded.file === null) io.err("There is no configuration. The default policy is used");
  // A device is judged by what its agent runs with.
  const lastGood = loaded.ok || loaded.file === null ? null : await readConfig(undefined, io);
  if (!loaded.ok && loaded.file !== null && lastGood === null) return "Name another configuration: --config FILE";
  const config = loaded.ok ? loaded.config : (lastGood?.config ?? null);
  const policy = config?.policy ?? defaultPolicy;
  const device = await deviceNow(config, policy);
  const judgedBy = options.node === undefined ? { ok: true as const, facts: device } : parseFacts(options.node, device);
  if (!judgedBy.ok) return judgedBy.reason;
  const own = config === null ? [] : ownPaths(config);
  const admission = {
    policy,
    node: judgedBy.facts,
    featureGates,
    nodeName: config?.node.name ?? hostname(),
    protectedPaths: [...defaultProtectedPaths, ...own, ...(await engineFolder(config))],
  };
  return { admission, file: loaded.file };
}

/** What the agent judges by. Without a store that can be read there are no pods, and every port in use is somebody else's. */
async function deviceNow(config: Config | null, policy: Policy): Promise<NodeFacts> {
  const facts = readFacts({ systemReserved: policy.systemReserved, dev: config?.node.deviceDir ?? "/dev" });
  const bare = { ...facts, pods: [], configMaps: [] };
  if (config === null) return bare;
  const { openStoreReadOnly } = await import("../sqlite/store.ts");
  const opened = openStoreReadOnly(config.data.dir);
  if (!opened.ok) return bare;
  const { store } = opened;
  const { dockerEngine } = await import("../docker/engine.ts");
  const engine = dockerEngine({ socket: config.engine.socket });
  const listed = await engine.list(AbortSignal.timeout(engineDeadlines.listMs));
  const node = nodeNow({ store, facts, listed: listed.ok ? listed.value : null });
  store.close();
  return node;
}

/**
 * Where the engine keeps its data, which no pod may see (decisions.md 27: access to it owns the device). The
 * agent asks the engine, too. Nothing if the engine does not answer, or no path is allowed anyway.
 */
async function engineFolder(config: Config | null): Promise<readonly string[]> {
  if (config === null || config.policy.hostPaths.length === 0) return [];
  const { dockerEngine } = await import("../docker/engine.ts");
  const info = await dockerEngine({ socket: config.engine.socket }).info(AbortSignal.timeout(engineDeadlines.infoMs));
  return info.ok && info.value.dataRoot !== "" ? [info.value.dataRoot] : [];
}

/** The verdict on each document of a file. */
async function judgeEach(
  input: Extract<InputFile, { readonly ok: true }>,
  context: AdmissionContext,
): Promise<readonly Judged[]> {
  const file = input.subject;
  const read = await readDocuments(input.name, input.text);
  if (!read.ok) return [refused(file, read.reason === emptyDocument ? empty : read.reason)];
  const names = documentNames(file, read.documents.length);
  return read.documents.map((json, index) => judge(names[index] ?? file, json, context));
}

function judge(file: string, json: string, context: AdmissionContext): Judged {
  if (!isObject(JSON.parse(json))) return refused(file, noObject);
  const decoded = decodeMessage(json);
  if (decoded.ok) return judged(file, admitMessage(decoded.message, context));
  // A bare Pod is judged as edge apply --force is, which may change every pod but factory pods (contracts.md).
  const isBarePod = decoded.code === "noMessageId" && !isMessage(JSON.parse(json));
  if (!isBarePod) return refused(file, decoded.reason);
  const content = JSON.parse(json) as unknown;
  if (isGracefulDelete(content)) return judged(file, admitPodContent(content, context));
  return judged(file, admitLocalPod(content, { ...context, asker: owner }));
}

const owner: Asker = { origin: { kind: "local" }, isForced: true };

const empty = "empty; expected a message or a Pod";
const noObject = "not an object; expected a message or a Pod";

function isMessage(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.keys(value).some((key) => ["header", "route", "content"].includes(key.toLowerCase()));
}

function refused(file: string, reason: string): Judged {
  const violation = { path: "", rule: "message", message: reason, value: null };
  return { file, accepted: false, violations: [violation], warnings: [] };
}

function judged(file: string, verdict: Verdict<unknown>): Judged {
  const { accepted, warnings } = verdict;
  return { file, accepted, violations: verdict.accepted ? [] : verdict.violations, warnings };
}

function linesOf({ file, accepted, ...found }: Judged): readonly string[] {
  return verdictLines(`${file}: ${accepted ? "accepted" : `refused, ${violationCount(found.violations)}`}`, found);
}

function explain(id: string, json: boolean, io: Output): number {
  const rule = everyRule.find((row) => row.id === id);
  if (rule === undefined) {
    io.err(`There is no rule ${id}; edge validate prints the rule's id after each violation`);
    return exitCodes.no;
  }
  if (json) io.out(JSON.stringify(rule));
  else for (const [name, value] of Object.entries(rule)) io.out(`${name}: ${value}`);
  return exitCodes.fine;
}
