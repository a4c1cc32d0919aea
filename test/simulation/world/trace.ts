import { createHash } from "node:crypto";
import type { Clock } from "../../../src/ports/clock.ts";
import type { Engine, EngineResult } from "../../../src/ports/engine.ts";
import type { Log } from "../../../src/ports/log.ts";
import type { Store } from "../../../src/ports/store.ts";

/** What happened in a run, in the order it happened. */
export interface Trace {
  /** `who` is one word: fault, center, agent, engine, world. The words are made only when somebody keeps them. */
  note(who: string, words: () => string): void;
  lines(): readonly string[];
  /** Of all lines. */
  hash(): string;
}

/** Without `keep` nothing is written down, and no time is spent on words. */
export function createTrace(clock: Pick<Clock, "mono">, keep: boolean): Trace {
  const lines: string[] = [];
  return {
    note(who, words) {
      if (keep) lines.push(`${(clock.mono() / 1000).toFixed(3).padStart(10)} ${who.padEnd(6)} ${words()}`);
    },
    lines: () => lines,
    hash: () => createHash("sha256").update(lines.join("\n")).digest("hex"),
  };
}

/** A record of the log in one line; actions are told by their events. */
export function noteLog(trace: Trace, ...[level, event, fields]: Parameters<Log["write"]>): void {
  if (event === "Action") return;
  trace.note("agent", () => `${level === "info" ? "" : `${level}: `}${event} ${JSON.stringify(fields ?? {})}`);
}

/** Every decision of the agent is an event with its reason. */
export function tracedStore(store: Store, trace: Trace): Store {
  return {
    ...store,
    events: {
      ...store.events,
      append(event, at) {
        store.events.append(event, at);
        const { pod, container, reason, message } = event;
        trace.note("agent", () => `${reason} ${pod}${container === "" ? "" : `/${container}`}: ${message}`);
      },
    },
  };
}

const changing = ["create", "start", "stop", "remove", "pull", "load", "watch", "info"] as const;

/** What calls that change something came to, and every call that failed. */
export function tracedEngine(engine: Engine, trace: Trace): Engine {
  return new Proxy(engine, {
    get(target, name: keyof Engine) {
      const method = target[name] as (...args: unknown[]) => Promise<EngineResult<unknown>>;
      return async (...args: unknown[]) => {
        const result = await method.apply(target, args);
        const about = typeof args[0] === "string" ? ` ${args[0].slice(0, 30)}` : "";
        if (!result.ok) trace.note("engine", () => `${name}${about}: ${result.error.kind}, ${result.error.message}`);
        else if (changing.some((one) => one === name)) trace.note("engine", () => `${name}${about}: done`);
        return result;
      };
    },
  });
}
