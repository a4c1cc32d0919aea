import type { Violation } from "../core/base/violation.ts";
import type { PodId } from "../core/pod/spec.ts";
import { parseDuration } from "../core/pod/time.ts";
import { type AgentAnswer, askAgent } from "./control-client.ts";
import { readConfig } from "./device-store.ts";
import { exitCodes, type Output } from "./output.ts";
import { readPods } from "./pod-file.ts";
import { isOfPolicy, policySentence, verdictLines, violationCount } from "./verdict-lines.ts";
import { waitUntilReady } from "./wait-until-ready.ts";

export interface ApplyOptions {
  readonly config?: string;
  readonly json: boolean;
  /** Files, folders and `-`. */
  readonly files: readonly string[];
  readonly force?: true;
  /** False with --no-wait. */
  readonly wait: boolean;
  readonly timeout: string;
}

/**
 * `edge apply -f FILE...` (contracts.md): each Pod is created or changed by the agent of this device, and then waited for until
 * it is ready or something is to be done about it.
 */
export async function applyCommand(options: ApplyOptions, io: Output, signal: AbortSignal): Promise<number> {
  const timeoutMs = parseDuration(options.timeout);
  if (timeoutMs === null) {
    io.err(`--timeout takes a duration such as 30s or 5m: current value is ${options.timeout}`);
    return exitCodes.usage;
  }
  if (options.files.length === 0) {
    io.err("edge apply takes files of Pods: edge apply -f FILE");
    return exitCodes.usage;
  }
  const device = await readConfig(options.config, io);
  if (device === null) return exitCodes.usage;
  const { file, config } = device;
  let code: number = exitCodes.fine;
  const applied: PodId[] = [];
  const ofPolicy: Violation[] = [];
  for (const read of await readPods(options.files)) {
    if (!read.ok) {
      io.err(`${read.subject}: ${read.reason}`);
      code = exitCodes.usage;
      continue;
    }
    const query = options.force === true ? { force: "true" } : {};
    const answer = await askAgent(config, { method: "POST", path: "/v1/pods", query, body: read.json });
    code = Math.max(code, printAnswer(read.subject, answer, options.json, io));
    if (answer.kind === "refused") ofPolicy.push(...answer.violations.filter(isOfPolicy));
    if (answer.kind === "unanswered") break;
    if (answer.kind === "done" && answer.pod !== null) applied.push(answer.pod);
  }
  if (ofPolicy.length > 0 && !options.json && file !== null) io.err(policySentence(file, ofPolicy));
  if (!options.wait || options.json) return code;
  const isReady = await waitUntilReady(config, applied, { timeoutMs, timeout: options.timeout }, io, signal);
  return isReady ? code : Math.max(code, exitCodes.no);
}

/** Prints what came of a request about `subject`; gives the exit code. */
export function printAnswer(subject: string, answer: AgentAnswer, json: boolean, io: Output): number {
  switch (answer.kind) {
    case "done":
      if (json) io.out(JSON.stringify(answer));
      else for (const line of verdictLines(answer.message, { violations: [], warnings: answer.warnings })) io.out(line);
      return exitCodes.fine;
    case "refused": {
      if (json) io.out(JSON.stringify({ ...answer, subject }));
      const head = `${subject}: refused, ${violationCount(answer.violations)}`;
      if (!json) for (const line of verdictLines(head, answer)) io.err(line);
      return exitCodes.no;
    }
    case "unanswered":
      io.err(answer.message);
      return exitCodes.no;
    default:
      return answer satisfies never;
  }
}
