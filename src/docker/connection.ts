import { Agent, type ClientRequest, type IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { inspect } from "node:util";
import Docker from "dockerode";
import type { EngineResult } from "../ports/engine.ts";
import { listAt, parsedAnswer, textAt } from "./answer.ts";
import { textCutter } from "./cut-texts.ts";
import { abortedError, engineError, failed, failure } from "./errors.ts";
import { isReadable } from "./lines.ts";

/** An engine that has been asked which versions of the API it speaks. */
export interface Connection {
  /** Puts the negotiated version into every path. */
  readonly docker: Docker;
  readonly apiVersion: string;
  /** GOARCH of the engine's host. */
  readonly architecture: string;
  /** Version of the engine itself. */
  readonly version: string;
  readonly product: "docker" | "podman";
  /** Path of the unix socket behind which it is. */
  readonly socket: string;
}

/** What of an engine a payload for it depends on. */
export type EngineSpoken = Pick<Connection, "apiVersion" | "product">;

/** Makes calls with a negotiated version. */
export interface Caller {
  /**
   * One call, or several under one deadline. Resolves as soon as the signal aborts, whatever becomes of `work`, and never
   * rejects: whatever `work` throws is sorted into an error of `operation`.
   */
  call<T>(
    operation: string,
    signal: AbortSignal,
    work: (connection: Connection) => Promise<EngineResult<T>>,
  ): Promise<EngineResult<T>>;
}

/** The oldest API this program understands (docker 18.09), and the newest it was tested with (docker 28.5). */
const oldest = [1, 39] as const;
const newest = [1, 51] as const;

/** A list of a thousand images is 1 MB. */
const longestAnswer = 16 * 1024 * 1024;
/** More than the configuration of an image may have, so that one which has more is seen to (image.ts). */
const longestText = 512 * 1024;

type Version = readonly [number, number];

/**
 * The newest version that both sides speak, always of the range above: a newer engine is spoken to in an older version, as
 * its minimum allows. Fails with a sentence.
 */
export function negotiate(speaks: {
  readonly least: string;
  readonly most: string;
}): { readonly ok: true; readonly version: string } | { readonly ok: false; readonly message: string } {
  const most = parsed(speaks.most);
  // Engines before 1.24 do not name their least.
  const least = parsed(speaks.least) ?? [1, 0];
  const range = `${oldest.join(".")} to ${newest.join(".")}`;
  if (most === null) return { ok: false, message: `The engine names no API version; this program speaks ${range}` };
  const version = compare(most, newest) < 0 ? most : newest;
  if (compare(version, oldest) < 0 || compare(version, least) < 0) {
    const engine = `${least.join(".")} to ${most.join(".")}`;
    return { ok: false, message: `The engine speaks API ${engine}; this program speaks ${range}` };
  }
  return { ok: true, version: version.join(".") };
}

/**
 * One connection a call: a kept one that the engine has just closed would fail a call that was never made. It tells nothing
 * of itself: at every call docker-modem writes out all that it gives to Node, for a log that nobody reads. Sockets and all,
 * that was five sixths of the garbage of an agent with 20 pods.
 */
function oneConnectionEach(): Agent {
  const agent = new Agent({ keepAlive: false });
  const { addRequest } = agent as unknown as { addRequest(request: ClientRequest, ...rest: readonly unknown[]): void };
  return Object.assign(agent, {
    [inspect.custom]: () => "Agent",
    addRequest(request: ClientRequest, ...rest: readonly unknown[]) {
      request.prependListener("response", boundRefusal);
      addRequest.call(agent, request, ...rest);
    },
  });
}

const longestRefusal = 64 * 1024;

/** docker-modem keeps the whole body of a refusal, in which the engine repeats what a registry said: the rest is dropped. */
function boundRefusal(answer: IncomingMessage): void {
  if ((answer.statusCode ?? 0) < 400) return;
  let length = 0;
  answer.on("data", (chunk: Buffer) => {
    length += chunk.length;
    if (length <= longestRefusal) return;
    answer.removeAllListeners("data");
    answer.resume();
  });
}

/** Calls to the engine behind a unix socket. Negotiates at the first call, and again after the engine has been away. */
export function caller(socket: string): Caller {
  const agent = oneConnectionEach();
  let negotiated: Connection | null = null;

  const connect = async (operation: string, signal: AbortSignal): Promise<EngineResult<Connection>> => {
    if (negotiated !== null) return { ok: true, value: negotiated };
    const answer: unknown = await request(client(socket, agent), "GET", "/version", {}, signal);
    const speaks = { least: textAt(answer, "MinAPIVersion"), most: textAt(answer, "ApiVersion") };
    const agreed = negotiate(speaks);
    if (!agreed.ok) return failed(failure(operation, "unavailable", agreed.message));
    negotiated = {
      docker: client(socket, agent, `v${agreed.version}`),
      apiVersion: agreed.version,
      architecture: textAt(answer, "Arch"),
      version: textAt(answer, "Version"),
      product: listAt(answer, "Components").some((component) => textAt(component, "Name") === "Podman Engine")
        ? "podman"
        : "docker",
      socket,
    };
    return { ok: true, value: negotiated };
  };

  return {
    call: async (operation, signal, work) => {
      const result = await settled(operation, signal, async () => {
        const connection = await connect(operation, signal);
        return connection.ok ? await work(connection.value) : connection;
      });
      // It may come back as another version: an upgrade is a restart.
      if (!result.ok && result.error.kind === "unavailable") negotiated = null;
      return result;
    },
  };
}

/**
 * docker-modem forgets its caller where an engine dies in the middle of an answer that it reads itself: neither result nor
 * error ever comes. So the signal is listened to here as well.
 */
function settled<T>(
  operation: string,
  signal: AbortSignal,
  work: () => Promise<EngineResult<T>>,
): Promise<EngineResult<T>> {
  if (signal.aborted) return Promise.resolve(failed<T>(abortedError(operation, signal)));
  return new Promise((resolve) => {
    const settle = (result: EngineResult<T>): void => {
      signal.removeEventListener("abort", abort);
      resolve(result);
    };
    const abort = (): void => settle(failed(abortedError(operation, signal)));
    signal.addEventListener("abort", abort, { once: true });
    work().then(settle, (cause: unknown) => settle(failed(engineError(operation, cause, signal))));
  });
}

/**
 * A call whose answer is read here, for docker-modem would take any size of it and never come back when the engine dies in
 * the middle. dockerode's own methods also leave things out: `createContainer` drops the engine's warnings and puts the
 * whole payload, environment and all, into the URL. Texts of more than 512 Ki characters are cut. Throws as dockerode does,
 * and a RangeError for an answer that is too long all the same; null for an empty answer.
 */
export async function request(
  docker: Docker,
  method: "GET" | "POST",
  path: string,
  options: object,
  signal: AbortSignal,
): Promise<unknown> {
  let text = "";
  for await (const piece of openText(docker, { method, path, options, longestText }, signal)) {
    text += piece;
    if (text.length > longestAnswer) throw new RangeError(`The engine's answer is over ${longestAnswer} characters`);
  }
  return text === "" ? null : parsedAnswer(text);
}

interface TextCall {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly options: object;
  /** Characters of a JSON string in the answer; one that is longer is cut there. */
  readonly longestText: number;
}

/** A call whose answer is JSON that the caller reads as it comes. Throws as dockerode does. */
export async function* openText(
  docker: Docker,
  { method, path, options, longestText: longest }: TextCall,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const answer = await openStream(docker, method, path, options, signal);
  answer.setEncoding("utf8");
  const cut = textCutter(longest);
  for await (const chunk of answer) yield cut(String(chunk));
}

/** A call whose answer is read by the caller, as it comes and as much of it as it wants. Throws as dockerode does. */
export async function openStream(
  docker: Docker,
  method: "GET" | "POST",
  path: string,
  options: object,
  signal: AbortSignal,
): Promise<Readable> {
  const modem: { dial(call: object, callback: (error: unknown, answer: unknown) => void): void } = docker.modem;
  const call = { path, method, options, abortSignal: signal, isStream: true, statusCodes: { 200: true, 201: true } };
  const answer = await new Promise<unknown>((resolve, reject) => {
    modem.dial(call, (error, stream) => (error ? reject(error) : resolve(stream)));
  });
  if (!isReadable(answer)) throw new TypeError("The engine's answer is no stream");
  return answer;
}

/** What docker-modem would take from DOCKER_HOST and its like is set here: the configuration names the socket. */
function client(socket: string, agent: Agent, version?: string): Docker {
  const options: Docker.DockerOptions & { readonly agent: Agent } = {
    socketPath: socket,
    host: undefined,
    port: undefined,
    protocol: "http",
    timeout: undefined,
    agent,
    version,
  };
  return new Docker(options);
}

function parsed(text: string): Version | null {
  const found = /^(\d{1,4})\.(\d{1,4})$/.exec(text);
  return found === null ? null : [Number(found[1]), Number(found[2])];
}

function compare(a: Version, b: Version): number {
  return a[0] - b[0] || a[1] - b[1];
}
