import { containerName, labelledIdentity, parseIdentity } from "../../src/core/pod/identity.ts";
import { npuNode } from "../../src/core/pod/npu.ts";
import { hostPortKey, type ObservedContainer, type ObservedState } from "../../src/core/pod/observed.ts";
import type { ContainerPort } from "../../src/core/pod/spec.ts";
import type { CreateRequest, EngineErrorKind } from "../../src/ports/engine.ts";

/** What the program in a container does once it is started. */
export interface Behaviour {
  /** Ends by itself after this long; runs on without it. */
  readonly exit?: { readonly code: number; readonly afterMs: number; readonly oomKilled?: boolean };
  /** Lives through SIGTERM, so that only the end of the grace period stops it. */
  readonly ignoresTerm?: boolean;
  /** Exit code after SIGTERM; 143 is what a program without a handler of its own leaves. */
  readonly termCode?: number;
  /** What another program run in the container does; it ends well at once without this. */
  readonly exec?: (command: readonly string[], containerId: string, askedAt: number) => ExecBehaviour;
  /** The engine's words for a program that it cannot start. */
  readonly startError?: string;
}

/** A program beside the container's own: it ends after a while, or with the container. */
export type ExecBehaviour = { readonly code: number; readonly afterMs: number; readonly output?: string } | "hangs";

/** A container of the fake, for tests to look at. */
export interface FakeContainer {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** What it was made from; null for one that somebody else made. */
  readonly request: CreateRequest | null;
  /** Id of the image it was made from. */
  readonly image: string;
  readonly lasting: Lasting | null;
  readonly disconnected: boolean;
  readonly state: ObservedState;
}

/** Why the engine does not do what a call asks for. */
export interface Refusal {
  readonly kind: EngineErrorKind;
  readonly message: string;
}

/** What a call came to. */
export type Outcome<T> = { readonly value: T } | { readonly refusal: Refusal };

/** A container as the host keeps it. */
export interface Entry {
  readonly id: string;
  name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly request: CreateRequest | null;
  readonly image: string;
  lasting: Lasting | null;
  readonly createdAt: string;
  /** Taken out of its network by hand. */
  disconnected: boolean;
  state: ObservedState;
  /** Aborted when it ends. */
  run: AbortController | null;
}

/** What the pod rules see of a container that stays the same for as long as there is one; null for somebody else's. */
type Lasting = Omit<ObservedContainer, "state" | "ip">;

/** How the pod rules see it: the same translation as the real adapter, so that neither lets through what the other refuses. */
export function lastingOf({
  id,
  name,
  labels,
  request,
}: Omit<Entry, "lasting" | "state" | "run" | "createdAt" | "disconnected">): Lasting | null {
  // What somebody else has made has the labels of its image.
  const identity = request === null ? parseIdentity(name, labels) : labelledIdentity(labels);
  if (identity === null) return null;
  const npus = (request?.devices ?? [])
    .map(({ path }) => path.slice(path.lastIndexOf("/") + 1))
    .filter((node) => npuNode.test(node));
  const published = request === null ? [] : publishedBy(request);
  return {
    id,
    ...identity,
    ...(name === containerName(identity) ? {} : { renamed: name }),
    imageId: request?.image.id ?? "",
    image: request?.image.id ?? "",
    ...(request?.sandboxId == null ? {} : { sandboxId: request.sandboxId }),
    ...(npus.length === 0 ? {} : { npus }),
    ...(published.length === 0
      ? {}
      : { hostPorts: published.map((port) => hostPortKey(port.protocol, port.hostPort)) }),
  };
}

/** How the pod rules see it now. */
export function observed(container: FakeContainer): ObservedContainer | null {
  const { id, lasting, state, disconnected } = container;
  if (lasting === null || state.kind !== "running") return lasting === null ? null : { ...lasting, state };
  if (disconnected) return { ...lasting, state, disconnected };
  return { ...lasting, state, ...(hasOwnNetwork(container) ? { ip: addressOf(id) } : {}) };
}

/** Whether it has a network of its own, neither the host's nor that of a sandbox. */
export function hasOwnNetwork({ request }: Pick<FakeContainer, "request">): boolean {
  return request !== null && request.pod.spec.hostNetwork !== true && request.sandboxId === null;
}

/** The ports of every container of the pod. */
export function portsIn({ pod }: CreateRequest): readonly ContainerPort[] {
  return pod.spec.containers.flatMap((container) => container.ports ?? []);
}

/** What Docker opens on the host for it: whoever joins a sandbox has that one's, and the host's network needs none. */
function publishedBy(request: CreateRequest): readonly ContainerPort[] {
  return request.sandboxId === null && request.pod.spec.hostNetwork !== true ? portsIn(request) : [];
}

function addressOf(id: string): string {
  return `172.17.${Number.parseInt(id.slice(8, 10), 16)}.${Number.parseInt(id.slice(10, 12), 16)}`;
}
