import { type ContainerIdentity, containerName, labelledIdentity, sandboxName } from "../core/pod/identity.ts";
import { npuNode } from "../core/pod/npu.ts";
import { hostPortKey, type ObservedContainer, type ObservedState } from "../core/pod/observed.ts";
import { at, keysAt, listAt, numberAt, textAt, textMapAt } from "./answer.ts";
import { isProgramError } from "./errors.ts";

/** What `GET /containers/json` says of a container: enough to see whether an inspect would bring anything new. */
export interface ListedContainer {
  readonly id: string;
  readonly identity: ContainerIdentity;
  /** Docker's State: created, running, paused, restarting, removing, exited, dead. */
  readonly state: string;
  /** Words for people, "Exited (137) 5 minutes ago". */
  readonly status: string;
  /** New at every start, absent while the container does not run and where it is in another container's network. */
  readonly endpoint: string;
  readonly imageId: string;
  readonly image: string;
  /** The container whose network it was made to join. */
  readonly sandboxId?: string;
  /** What it is called now; absent while that is what its labels say. */
  readonly renamed?: string;
}

/** Docker's own for a start that failed without a better one (daemon/start.go). */
const unknownExitCode = 128;

/** Docker's zero time, which a container that never ran has. */
const never = /^0001-01-01T00:00:00/;

/** `GET /containers/{id}/json` in the words of pods; null when its labels do not say that it belongs to one. */
export function observedContainer(answer: unknown): ObservedContainer | null {
  const identity = labelledIdentity(textMapAt(answer, "Config", "Labels"));
  const id = textAt(answer, "Id");
  if (identity === null || id === "") return null;
  const state = observedState(answer, identity);
  const pid = numberAt(answer, "State", "Pid");
  const npus = npusIn(answer);
  const hostPorts = hostPortsIn(answer);
  const sandboxId = sandboxIn(answer);
  // Podman shows the address of the sandbox at every container that joined it.
  const ip = state.kind === "running" && sandboxId === undefined ? address(answer) : "";
  const renamed = otherName(textAt(answer, "Name"), identity);
  return {
    id,
    pod: identity.pod,
    container: identity.container,
    installId: identity.installId,
    attempt: identity.attempt,
    generation: identity.generation,
    podHash: identity.podHash,
    specHash: identity.specHash,
    restartPolicy: identity.restartPolicy,
    state,
    imageId: textAt(answer, "Image"),
    image: textAt(answer, "Config", "Image"),
    ...(sandboxId === undefined ? {} : { sandboxId }),
    ...(npus.length === 0 ? {} : { npus }),
    ...(hostPorts.length === 0 ? {} : { hostPorts }),
    ...(state.kind === "running" && pid > 0 ? { pid } : {}),
    ...(renamed === undefined ? {} : { renamed }),
    ...(isDisconnected(answer, state) ? { disconnected: true } : {}),
    ...(ip === "" ? {} : { ip }),
  };
}

/** One entry of `GET /containers/json`; null when its labels do not say that it belongs to a pod. */
export function listedContainer(entry: unknown): ListedContainer | null {
  // A container has a second name for every link to it, "/other/alias": its own is the one with a single slash.
  const name = listAt(entry, "Names").find((each) => typeof each === "string" && each.lastIndexOf("/") === 0);
  const identity = labelledIdentity(textMapAt(entry, "Labels"));
  const id = textAt(entry, "Id");
  if (typeof name !== "string" || identity === null || id === "") return null;
  const renamed = otherName(name, identity);
  const sandboxId = sandboxIn(entry);
  return {
    id,
    identity,
    state: textAt(entry, "State"),
    status: textAt(entry, "Status"),
    endpoint: endpointOf(entry),
    imageId: textAt(entry, "ImageID"),
    image: textAt(entry, "Image"),
    ...(renamed === undefined ? {} : { renamed }),
    ...(sandboxId === undefined ? {} : { sandboxId }),
  };
}

/** What connects a container to its networks, by an entry of the list or an inspect: new at every start. */
export function endpointOf(answer: unknown): string {
  return networks(answer)
    .map((network) => textAt(network, "EndpointID"))
    .join();
}

/**
 * A listed container about which the engine does not answer.
 * @param known what the last inspect that was answered said, undefined where there was none
 */
export function unknownContainer(listed: ListedContainer, known: ObservedContainer | undefined): ObservedContainer {
  const { id, identity, imageId, image, sandboxId, renamed } = listed;
  const state: ObservedState = listed.state === "paused" ? { kind: "unknown", paused: true } : { kind: "unknown" };
  if (known !== undefined) return { ...known, state };
  return {
    id,
    ...identity,
    state,
    imageId,
    image,
    ...(sandboxId === undefined ? {} : { sandboxId }),
    ...(renamed === undefined ? {} : { renamed }),
  };
}

function otherName(name: string, identity: ContainerIdentity): string | undefined {
  const own = name.replace(/^\//, "");
  return own === containerName(identity) ? undefined : own;
}

/** `docker network disconnect` leaves the mode and takes the network. Other modes have none of their own. */
function isDisconnected(answer: unknown, { kind }: ObservedState): boolean {
  const mode = textAt(answer, "HostConfig", "NetworkMode");
  return kind === "running" && (mode === "default" || mode === "bridge") && networks(answer).length === 0;
}

function sandboxIn(answer: unknown): string | undefined {
  return /^container:(.+)$/.exec(textAt(answer, "HostConfig", "NetworkMode"))?.[1];
}

function observedState(answer: unknown, identity: ContainerIdentity): ObservedState {
  const state = at(answer, "State");
  const startedAt = textAt(state, "StartedAt");
  const error = textAt(state, "Error");
  // Paused and restarting containers count as running: their processes are there.
  if (at(state, "Running") === true) {
    return at(state, "Paused") === true ? { kind: "running", startedAt, paused: true } : { kind: "running", startedAt };
  }
  // A start that failed leaves the container "created", with an exit code of 127 or 128 that no process ever had.
  if (textAt(state, "Status") === "created" || startedAt === "" || never.test(startedAt)) {
    return notStarted(answer, identity, error);
  }
  return {
    kind: "exited",
    exitCode: numberAt(state, "ExitCode"),
    oomKilled: at(state, "OOMKilled") === true,
    error,
    startedAt,
    finishedAt: textAt(state, "FinishedAt"),
  };
}

/** A sandbox's program is this program's own: that it cannot be started is never the pod's fault. */
function notStarted(answer: unknown, { container }: ContainerIdentity, startError: string): ObservedState {
  if (startError === "") return { kind: "created" };
  const exitCode = numberAt(answer, "State", "ExitCode") || unknownExitCode;
  // Docker writes a removal that failed over the words of the start; the exit code stays.
  const isRemovalError = exitCode < unknownExitCode && startError.includes("failed to remove");
  const isOfProgram = isProgramError(startError) || isRemovalError;
  if (container === sandboxName || !isOfProgram) return { kind: "created", startError };
  return { kind: "created", startError, cannotRun: { exitCode, createdAt: textAt(answer, "Created") } };
}

/** By the host's name of the node: what it is called in the container is the translation's business. */
function npusIn(answer: unknown): readonly string[] {
  const paths = listAt(answer, "HostConfig", "Devices").map((device) => textAt(device, "PathOnHost"));
  return paths.map((path) => path.slice(path.lastIndexOf("/") + 1)).filter((name) => npuNode.test(name));
}

/** Docker names what is published "80/tcp", each with the addresses and ports of the host. */
function hostPortsIn(answer: unknown): readonly string[] {
  return keysAt(answer, "HostConfig", "PortBindings").flatMap((published) => {
    const protocol = published.endsWith("/udp") ? "UDP" : "TCP";
    const bindings = listAt(answer, "HostConfig", "PortBindings", published);
    return bindings.map((binding) => hostPortKey(protocol, Number(textAt(binding, "HostPort"))));
  });
}

function address(answer: unknown): string {
  const addresses = networks(answer).map((network) => textAt(network, "IPAddress"));
  return addresses.find((text) => text !== "") ?? "";
}

function networks(answer: unknown): readonly unknown[] {
  return keysAt(answer, "NetworkSettings", "Networks")
    .toSorted()
    .map((name) => at(answer, "NetworkSettings", "Networks", name));
}
