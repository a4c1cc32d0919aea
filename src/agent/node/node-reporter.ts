import { type NodeReport, sameReport } from "../../core/node/status.ts";
import { nodeStatusReport } from "../../core/protocol/replies.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import { messageIds } from "../loop/message-ids.ts";
import { createWakeableLoop } from "../loop/wakeable-loop.ts";

export interface NodeReporterParts {
  readonly clock: Clock;
  readonly random: Random;
  /** `{node}` of `websocket/nodestatus/edge-{node}` (decisions.md 44: centers look the device up by it). */
  readonly reportedAs: string;
  /** The device as it is right now. */
  readonly report: () => NodeReport;
  /** Sends it now, or not at all. */
  readonly sendNow: (text: string) => void;
}

export interface NodeReporter {
  /** A connection stands, or has gone. */
  online(is: boolean): void;
  /** Something of it may have changed. */
  poke(): void;
  run(signal: AbortSignal): Promise<void>;
}

/** As often as the kubelet reports what has not changed (`nodeStatusReportFrequency`). */
const periodMs = 300_000;
/** What nobody tells of, such as an address, is looked at this often; a change never goes out more often than that. */
const lookMs = 10_000;
const spacingMs = 1_000;

/** Says what state the device is in: on every connection, on change, and every five minutes. Nothing of it is stored. */
export function createNodeReporter(parts: NodeReporterParts): NodeReporter {
  const { clock } = parts;
  let isOnline = false;
  let sent: { readonly report: NodeReport; readonly at: number } | null = null;
  const loop = createWakeableLoop(clock);
  const reportIfDue = (): void => {
    if (!isOnline) return;
    const report = parts.report();
    const now = clock.mono();
    if (sent !== null && now - sent.at < periodMs && sameReport(sent.report, report)) return;
    sent = { report, at: now };
    const ids = messageIds(parts);
    parts.sendNow(nodeStatusReport(report, parts.reportedAs, ids));
  };
  return {
    poke: loop.wake,
    online(is) {
      if (is === isOnline) return;
      isOnline = is;
      sent = null;
      if (is) loop.wake();
    },
    run: (signal) =>
      loop.run(async () => {
        reportIfDue();
        await clock.sleep(spacingMs, signal);
        return lookMs;
      }, signal),
  };
}
