// agent/node: the device as a node: its conditions, reports and clean-up.

import type { Policy } from "../../core/admission/policy.ts";
import { type Condition, readyCondition } from "../../core/node/conditions.ts";
import { type NodeState, nodeReport } from "../../core/node/status.ts";
import type { Waiting } from "../../core/pod/situation.ts";
import type { EngineInfo } from "../../ports/engine.ts";
import type { Random } from "../../ports/random.ts";
import type { Loop } from "../loop/supervise.ts";
import { createHousekeeping, type Housekeeping, type HousekeepingParts } from "./housekeeping.ts";
import { createNodeReporter } from "./node-reporter.ts";
import { runPodFileUpkeep } from "./pod-file-upkeep.ts";
import { createPressure, type PressureParts } from "./pressure.ts";

export interface NodeParts extends Omit<HousekeepingParts & PressureParts, "engineRoot"> {
  readonly random: Random;
  readonly policy: () => Policy;
  readonly settings: HousekeepingParts["settings"] & {
    readonly nodeName: string;
    readonly serialNumber: string | null;
    readonly version: string;
  };
  /** Sends it to the center now, or not at all. */
  readonly sendNow: (text: string) => void;
}

/** The device as a node: what state it is in, and its housekeeping. */
export interface Node extends Pick<Housekeeping, "onImagePulled"> {
  /** As Kubernetes' Node has them: MemoryPressure, DiskPressure, PIDPressure, Ready. */
  conditions(): readonly Condition[];
  /** Why new pods are to wait, null when they are not. */
  startsHeld(): Waiting | null;
  /** What the engine says of itself; null when it does not answer. */
  engineIs(info: EngineInfo | null): void;
  /** The center can be reached, or no longer. */
  online(is: boolean): void;
  readonly loops: readonly Loop[];
}

export function createNode(parts: NodeParts): Node {
  const { clock, settings } = parts;
  let engine: EngineInfo | null = null;
  let root: string | null = null;
  let ready = readyCondition(null, false, clock.wall());
  const engineRoot = (): string | null => root;
  const conditionChanged = (): void => {
    reporter.poke();
    parts.onConditionChanged();
  };
  const pressure = createPressure({ ...parts, engineRoot, onConditionChanged: conditionChanged });
  const conditions = (): readonly Condition[] => [...pressure.conditions(), ready];
  const housekeeping = createHousekeeping({ ...parts, engineRoot });
  const reporter = createNodeReporter({
    ...parts,
    reportedAs: (settings.serialNumber ?? settings.nodeName).toLowerCase(),
    report: () => nodeReport(stateOf(parts, conditions(), engine), clock.wall()),
  });
  return {
    conditions,
    onImagePulled: housekeeping.onImagePulled,
    startsHeld: pressure.startsHeld,
    online: reporter.online,
    engineIs(info) {
      engine = info;
      ready = readyCondition(ready, info !== null, clock.wall());
      reporter.poke();
      if (info === null || info.dataRoot === "" || info.dataRoot === root) return;
      root = info.dataRoot;
      pressure.measureNow();
    },
    loops: [
      { name: "pressure", run: pressure.run },
      { name: "housekeeping", run: housekeeping.run },
      { name: "pod file upkeep", run: (signal) => runPodFileUpkeep(parts.podFiles, clock, signal) },
      { name: "node reporter", run: reporter.run },
    ],
  };
}

function stateOf(
  { clock, device, policy, settings }: NodeParts,
  conditions: readonly Condition[],
  engine: EngineInfo | null,
): NodeState {
  const machine = device.machine();
  // Pods run on the engine's architecture, whatever this program was built for.
  const architecture = engine?.architecture ?? machine.architecture;
  return {
    name: settings.nodeName,
    version: settings.version,
    bootId: clock.bootId(),
    conditions,
    machine: { ...machine, architecture },
    allocatable: device.nodeFacts().allocatable,
    maxContainerNumber: policy().maxContainerNumber,
    hostIp: device.hostIp(),
    engineVersion: engine?.version ?? null,
  };
}
