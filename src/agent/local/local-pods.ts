import type { FactoryFileRow, StatusDocument } from "../../core/status-document.ts";
import type { ControlSocket } from "../../ports/control.ts";
import type { FactoryFiles } from "../../ports/factory-files.ts";
import type { Loop } from "../loop/supervise.ts";
import { createControl } from "./control.ts";
import { createFactoryPods } from "./factory-pods.ts";
import { createPodChanges, type PodChangesParts } from "./pod-changes.ts";

export interface LocalPodsParts extends PodChangesParts {
  readonly version: string;
  readonly factoryFiles: FactoryFiles;
  readonly controlSocket: ControlSocket;
  readonly status: () => StatusDocument;
}

/** The pods of the device itself. */
export interface LocalPods {
  readonly loops: readonly Loop[];
  refusedFiles(): readonly FactoryFileRow[];
  notices(): readonly string[];
}

export function createLocalPods(parts: LocalPodsParts): LocalPods {
  const changes = createPodChanges(parts);
  const factoryPods = createFactoryPods({
    ...parts,
    files: parts.factoryFiles,
    changes,
    onChanged: parts.onStatusChanged,
  });
  const handle = createControl({ ...parts, changes });
  return {
    refusedFiles: factoryPods.refused,
    notices: factoryPods.notices,
    loops: [
      { name: "factory pods", run: factoryPods.run },
      { name: "control socket", run: (signal) => parts.controlSocket.serve(handle, signal) },
    ],
  };
}
