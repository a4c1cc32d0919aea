/** What the dev center knows of one connected node. */
export interface CenterNode {
  readonly node: string;
  readonly connectedSince: string;
  readonly messages: number;
  readonly lastMessage: { readonly at: string; readonly route: unknown } | null;
  /** What state it is in, by its last nodestatus (protocol.md §1.3); null before one has come. */
  readonly nodeStatus: unknown;
}

/** The connected nodes, and the replies that are waited for. */
export interface CenterNodes {
  connected(node: string, at: string): void;
  disconnected(node: string): void;
  /** Takes what a node sent: gives it to the first that waits for a reply to that message. */
  message(node: string, at: string, text: string): void;
  list(): readonly CenterNode[];
  /** The reply of a node to a message, null when `signal` aborts first or too many are waited for already. */
  reply(to: { readonly node: string; readonly messageId: string }, signal: AbortSignal): Promise<string | null>;
  waiting(): number;
}

interface Wait {
  readonly node: string;
  readonly messageId: string;
  readonly take: (reply: string) => void;
}

export function centerNodes(): CenterNodes {
  const nodes = new Map<string, CenterNode>();
  const waits = new Set<Wait>();
  return {
    connected(node, at) {
      nodes.set(node, { node, connectedSince: at, messages: 0, lastMessage: null, nodeStatus: null });
    },
    disconnected(node) {
      nodes.delete(node);
    },
    message(node, at, text) {
      const { route = null, parent, nodeStatus } = parts(text);
      const known = nodes.get(node);
      if (known !== undefined) {
        const counts = { messages: known.messages + 1, lastMessage: { at, route } };
        nodes.set(node, { ...known, ...counts, nodeStatus: nodeStatus ?? known.nodeStatus });
      }
      for (const wait of waits) {
        if (wait.node !== node || wait.messageId !== parent) continue;
        // Only the oldest: a center may send several messages under one msg_id, and each gets its reply.
        wait.take(text);
        return;
      }
    },
    list: () => [...nodes.values()].sort((a, b) => (a.node < b.node ? -1 : 1)),
    reply: (to, signal) =>
      new Promise((resolve) => {
        const done = (reply: string | null): void => {
          waits.delete(wait);
          signal.removeEventListener("abort", late);
          resolve(reply);
        };
        const wait: Wait = { ...to, take: done };
        const late = (): void => done(null);
        waits.add(wait);
        signal.addEventListener("abort", late, { once: true });
        if (signal.aborted) late();
      }),
    waiting: () => waits.size,
  };
}

interface Parts {
  readonly route?: unknown;
  readonly parent: unknown;
  readonly nodeStatus?: unknown;
}

function parts(text: string): Parts {
  try {
    const { route, header, content } = Object(JSON.parse(text));
    const isStatus = String(Object(route).resource).startsWith("websocket/nodestatus/");
    const nodeStatus: unknown = isStatus ? Object(content).Status : undefined;
    return { route, parent: Object(header).parent_msg_id, nodeStatus };
  } catch {
    return { parent: undefined };
  }
}
