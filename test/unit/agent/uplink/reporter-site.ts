import assert from "node:assert/strict";
import { createReporter } from "../../../../src/agent/uplink/reporter.ts";
import type { StatusDialect } from "../../../../src/core/protocol/fusion-director.ts";
import type { LinkHandlers } from "../../../../src/ports/link.ts";
import type { Store } from "../../../../src/ports/store.ts";
import { virtualClock } from "../../../fakes/clock.ts";
import { fakeLink } from "../../../fakes/link.ts";
import { seededRandom } from "../../../fakes/random.ts";

export const resourceOf = (text: string): string =>
  (JSON.parse(text) as { route: { resource: string } }).route.resource;

interface SiteOptions {
  readonly answersPings?: boolean;
  readonly statusDialect?: StatusDialect;
  /** How long the reporter is busy with each report, by its own clock. */
  readonly reportMs?: number;
}

/** A reporter on a link whose other end the test holds. */
export async function reporterOn<S extends Store>(store: S, options: SiteOptions = {}) {
  const { answersPings = true, statusDialect = "kubernetes", reportMs = 0 } = options;
  const clock = virtualClock();
  let busyMs = 0;
  const { link, center } = fakeLink(clock);
  center.autoPong(answersPings);
  const reporter = createReporter({
    store,
    clock: { ...clock, mono: () => clock.mono() + busyMs },
    random: seededRandom(1),
    statusPeriodMs: 30_000,
    keepaliveMs: 15_000,
    statusDialect,
    onDelivered: () => {},
  });
  const stop = new AbortController();
  const closes: number[] = [];
  void reporter.run(stop.signal);
  async function connect(): Promise<void> {
    const handlers: LinkHandlers = {
      message: () => {},
      pong: reporter.pong,
      closed: ({ code }) => {
        closes.push(code);
        reporter.detach();
      },
    };
    const dial = link.dial(handlers, new AbortController().signal);
    await clock.pass(5);
    const result = await dial;
    assert.ok(result.ok);
    const { connection } = result;
    const send = (text: string): boolean => {
      if (resourceOf(text) === "websocket/podstatus") busyMs += reportMs;
      return connection.send(text);
    };
    reporter.attach({ ...connection, send }, { answersPings: false });
    await clock.pass(50);
  }
  await connect();
  const reports = () => center.take().filter((text) => resourceOf(text) === "websocket/podstatus").length;
  return { clock, store, center, reporter, connect, closes, reports, stop };
}
