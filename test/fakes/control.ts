import type { ControlRequest, ControlResponse, ControlSocket } from "../../src/ports/control.ts";

export interface FakeControl {
  readonly socket: ControlSocket;
  /** Asks as a client of the socket would; null while nobody answers, or if the connection breaks. */
  ask(request: Partial<ControlRequest> & Pick<ControlRequest, "method" | "path">): ControlResponse | null;
}

type Handle = (request: ControlRequest) => ControlResponse;

/** A socket in memory. */
export function fakeControl(): FakeControl {
  let serving: { readonly handle: Handle; readonly fail: (error: unknown) => void } | null = null;
  return {
    socket: {
      async serve(handle, signal) {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        const here = { handle, fail: reject };
        serving = here;
        signal.addEventListener("abort", () => resolve(), { once: true });
        try {
          if (!signal.aborted) await promise;
        } finally {
          if (serving === here) serving = null;
        }
      },
    },
    ask(request) {
      try {
        return serving?.handle({ query: new Map(), body: "", ...request }) ?? null;
      } catch (error) {
        serving?.fail(error);
        return null;
      }
    },
  };
}
