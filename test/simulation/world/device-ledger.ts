import { momentOf } from "../../../src/agent/loop/moment.ts";
import type { Moment } from "../../../src/core/pod/container-history.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { FakeControl } from "../../fakes/control.ts";
import type { FakeFactoryFiles } from "../../fakes/factory-files.ts";
import type { Dice } from "../../fakes/random.ts";
import { podContent } from "../../samples/messages.ts";

/** The pods of a simulation that the center does not ask for. */
export const factoryName = "factory";
export const localName = "local";

/** What the device itself asks for, and what it was told. */
export interface DeviceLedger {
  /** Version of the whole file that is there; null without one. A broken file leaves the pod as it is. */
  factory(): { readonly version: number | null; readonly isWhole: boolean };
  /** Since when the folder of factory pods is missing; null while it is there. */
  missingSince(): Moment | null;
  /** Versions of the local pod that the store may have; null stands for none. */
  possible(): ReadonlySet<number | null>;
  /** A file comes, changes, is half written, gets another name or goes. */
  changeFile(dice: Dice): string;
  /** Somebody asks for something; the agent may die before it answers. */
  ask(dice: Dice): string;
  /** The center has asked that everything goes. */
  mayBeGone(): void;
  /** The data folder is lost: what runs is nobody's until it is asked for again. */
  forgot(): void;
  /** Whatever is half written is whole, and what the device has lost is asked for again. */
  mend(): void;
}

/** A Pod as a person writes it, whose one variable says which version it is. */
export function devicePod(name: string, version: number): string {
  const { metadata, spec } = podContent({ name, uid: "" }) as {
    metadata: Record<string, unknown>;
    spec: { containers: readonly Record<string, unknown>[] };
  };
  const containers = spec.containers.map((container) => ({
    ...container,
    env: [{ name: "VERSION", value: String(version) }],
  }));
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: metadata["namespace"] },
    spec: { ...spec, containers },
  });
}

interface Device {
  readonly clock: Clock;
  readonly factory: FakeFactoryFiles;
  readonly control: FakeControl;
}

export function createDeviceLedger({ clock, factory, control }: Device): DeviceLedger {
  let file = "a.json";
  let version: number | null = null;
  let isWhole = true;
  let missing: Moment | null = null;
  let versions = 0;
  let possible = new Set<number | null>([null]);
  let isLost = false;

  function write(whole: boolean): void {
    versions += 1;
    const text = devicePod(factoryName, versions);
    factory.write(file, whole ? text : text.slice(0, text.length / 2));
    isWhole = whole;
    if (whole) version = versions;
  }

  /** A change that was answered is done, and one that was not may be. */
  function request(what: "apply" | "restart" | "delete"): string {
    const next = versions + 1;
    versions = next;
    const response =
      what === "apply"
        ? control.ask({ method: "POST", path: "/v1/pods", body: devicePod(localName, next) })
        : what === "delete"
          ? control.ask({ method: "DELETE", path: `/v1/pods/${localName}` })
          : control.ask({ method: "POST", path: `/v1/pods/${localName}/restart` });
    const after = what === "apply" ? next : null;
    if (response === null && what !== "restart") possible.add(after);
    if (response?.status === 200 && what !== "restart") possible = new Set([after]);
    return `somebody asks for ${what} of ${localName}: ${response?.status ?? "no answer"}`;
  }

  return {
    factory: () => ({ version, isWhole: isWhole && missing === null }),
    missingSince: () => missing,
    possible: () => possible,
    changeFile(dice) {
      switch (dice.below(6)) {
        case 0:
          factory.remove(file);
          version = null;
          isWhole = true;
          return "the file of the factory pod goes";
        case 1:
          write(false);
          return "a file of the factory pod is half written";
        case 2:
          missing = missing === null ? momentOf(clock) : null;
          factory.mount(missing === null);
          return `the folder of factory pods is ${missing === null ? "there again" : "missing"}`;
        case 3:
          factory.remove(file);
          file = file === "a.json" ? "b.json" : "a.json";
          write(true);
          return `the factory pod comes in ${file}`;
        default:
          write(true);
          return `version ${versions} of the factory pod is written`;
      }
    },
    ask: (dice) => request(dice.pick(["apply", "apply", "apply", "restart", "delete"] as const)),
    mayBeGone() {
      possible.add(null);
    },
    forgot() {
      possible.add(null);
      isLost = true;
    },
    mend() {
      missing = null;
      factory.mount(true);
      if (!isWhole || isLost) write(true);
      if (isLost) request("apply");
    },
  };
}
