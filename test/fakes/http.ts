import type { Clock } from "../../src/ports/clock.ts";
import type { HttpAnswer, HttpProbe, HttpProbeRequest } from "../../src/ports/http.ts";

/** What stands behind an address: an answer after a while, or a connection on which nothing ever comes. */
export type HttpBehaviour = { readonly answer: HttpAnswer; readonly afterMs: number } | "hangs";

/** Within what setTimeout can take, for tests on the real clock. */
const foreverMs = 2_000_000_000;

/** A network in memory: `behave` says who answers what. Nobody listens anywhere unless told otherwise. */
export function fakeHttp(clock: Clock): {
  readonly http: HttpProbe;
  behave(behaviour: (request: HttpProbeRequest) => HttpBehaviour | null): void;
  requests(): readonly HttpProbeRequest[];
} {
  const requests: HttpProbeRequest[] = [];
  let behaviour: (request: HttpProbeRequest) => HttpBehaviour | null = () => null;
  return {
    http: {
      async get(request, signal) {
        requests.push(request);
        if (requests.length > 1_000) requests.shift();
        const { host, port } = request;
        const message = `connect ECONNREFUSED ${host}:${port}`;
        const does = behaviour(request) ?? { answer: { ok: false, message }, afterMs: 1 };
        await clock.sleep(does === "hangs" ? foreverMs : does.afterMs, signal);
        if (does === "hangs") return { ok: false, message: "The call was canceled" };
        // The head of such an answer came at once; only its body is waited for.
        if (!does.answer.ok && does.answer.isCutOff === true) return does.answer;
        return signal.aborted ? { ok: false, message: "The call was canceled" } : does.answer;
      },
    },
    behave(next) {
      behaviour = next;
    },
    requests: () => [...requests],
  };
}
