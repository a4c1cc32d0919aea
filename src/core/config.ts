import { defaultPolicy, type Policy } from "./admission/policy.ts";
import type { Violation, Warning } from "./admission/verdict.ts";

/** `edge.config.json` (contracts.md) with every default filled in. */
export interface Config {
  readonly node: { readonly name: string; readonly serialNumber: string | null };
  readonly center: {
    readonly url: string;
    readonly tls: {
      readonly ca: string | null;
      readonly cert: string | null;
      readonly key: string | null;
      readonly serverName: string | null;
    };
    readonly headers: Readonly<Record<string, string>>;
    readonly statusPeriodSeconds: number;
    readonly keepaliveSeconds: number;
    readonly statusDialect: "kubernetes" | "fusion-director";
  };
  readonly engine: { readonly socket: string };
  readonly data: {
    readonly dir: string;
    readonly runDir: string;
    readonly outbox: { readonly maxBytes: number; readonly maxMessages: number };
  };
  readonly policy: Policy;
  readonly log: { readonly level: "debug" | "info" | "warn" | "error" };
}

export type ParsedConfig =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly Warning[] }
  | { readonly ok: false; readonly violations: readonly Violation[] };

/** Reads the configuration. Strict: an unknown key is a violation; otherwise a warning (lifecycle.md, Configuration). */
export function parseConfig(_value: unknown, _options: { readonly strict: boolean }): ParsedConfig {
  const message = "The configuration is not read by this version yet";
  return { ok: false, violations: [{ path: "", rule: "notYet", message, value: defaultPolicy.maxContainerNumber }] };
}
