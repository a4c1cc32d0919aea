import { createHash } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { createSecureContext, TLSSocket } from "node:tls";
import type { Certificates } from "../../../scripts/certificates.ts";
import type { Dice } from "../../fakes/random.ts";
import { type HostileTalk, hostileTalk, talkKinds } from "../../samples/frames.ts";

/** A wrong talk is to be ended by the device, and has this long. */
const patienceMs = 20_000;
/** A talk that is not wrong enough is ended by us. */
const politeMs = 20;
/** The device has given up before it could hear the talk: this machine is busy. */
const tooBusy = /^No connection within /;
const noTls = "garbage instead of TLS";

/** A center that speaks no WebSocket, until it is told to be sound. */
export interface HostileCenter {
  readonly port: number;
  /** How many talks there were of each kind. */
  readonly talks: Readonly<Record<string, number>>;
  /** Talks that the device did not end as it should have: kind, and what it said. */
  readonly odd: readonly string[];
  /** From now on it hands connections on to this port. */
  becomeSound(port: number): void;
  close(): void;
}

/** Starts one. `downs` grows by the reason that the device gives for each end of a connection. */
export async function hostileCenter(
  dice: Dice,
  tls: Certificates | null,
  downs: readonly string[],
): Promise<HostileCenter> {
  const talks: Record<string, number> = {};
  const odd: string[] = [];
  const sockets = new Set<Socket>();
  let soundPort: number | null = null;
  let last: { readonly talk: HostileTalk; readonly downs: number } | null = null;
  const kinds = tls === null ? talkKinds : [...talkKinds, noTls];

  /** A dial shows that the talk before it is over, and the device has said why. */
  const judge = (): void => {
    if (last === null) return;
    const { talk, downs: before } = last;
    last = null;
    const said = downs.slice(before);
    if (said.length === 0) odd.push(`${talk.kind}: nothing was said of its end`);
    else if (talk.why !== null && !said.some((one) => talk.why?.test(one) || tooBusy.test(one)))
      odd.push(`${talk.kind}: ${said.join(" | ")}`);
  };
  const entertain = async (socket: Socket): Promise<void> => {
    judge();
    const kind = dice.pick(kinds);
    talks[kind] = (talks[kind] ?? 0) + 1;
    const talk = kind === noTls ? garbageTalk(dice) : hostileTalk(kind, dice);
    last = { talk, downs: downs.length };
    const context = tls === null ? null : { secureContext: createSecureContext({ ca: tls.ca, ...tls.center }) };
    const secure = context === null || kind === noTls ? null : new TLSSocket(socket, { isServer: true, ...context });
    secure?.on("error", () => {});
    const byDevice = await speak(secure ?? socket, talk, dice);
    if (!byDevice && talk.why !== null) odd.push(`${talk.kind}: not ended within ${patienceMs} ms`);
    socket.destroy();
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => {});
    if (soundPort === null) return void entertain(socket);
    judge();
    const sound = connect(soundPort, "127.0.0.1").on("error", () => socket.destroy());
    socket
      .on("close", () => sound.destroy())
      .pipe(sound)
      .pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    talks,
    odd,
    becomeSound(port: number): void {
      soundPort = port;
    },
    close(): void {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Speaks one talk on a connection; resolves when the connection has ended, true when the device ended it. */
async function speak(stream: Duplex, talk: HostileTalk, dice: Dice): Promise<boolean> {
  let ended = false;
  let byDevice = false;
  const end = new Promise<void>((resolve) => {
    for (const event of ["end", "close", "error"]) stream.on(event, () => resolve());
  }).then(() => {
    ended = true;
  });
  const heard = hear(stream);
  await Promise.race([heard.request, end]);
  const key = /Sec-WebSocket-Key: (.*)\r\n/i.exec(ended ? "" : await heard.request)?.[1];
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  const upgrade = ["HTTP/1.1 101 x", "Upgrade: websocket", "Connection: Upgrade", `Sec-WebSocket-Accept: ${accept}`];
  const answer = talk.answer ?? Buffer.from(`${upgrade.join("\r\n")}\r\n\r\n`);
  let rest = Buffer.concat([answer, talk.frames]);
  // In one piece or in some, cut anywhere.
  for (let pieces = dice.below(4); pieces > 0 && !ended; pieces -= 1) {
    const cut = dice.below(rest.length);
    stream.write(rest.subarray(0, cut));
    rest = rest.subarray(cut);
    await new Promise(setImmediate);
  }
  if (!ended) stream.write(rest);
  void heard.close.then(() => {
    byDevice = true;
  });
  await Promise.race([end, heard.close, sleep(talk.why === null ? politeMs : patienceMs, undefined, { ref: false })]);
  return byDevice || ended;
}

/** What the device says: its request, and that it sent a close frame, after which it waits for ours. */
function hear(stream: Duplex) {
  const request = Promise.withResolvers<string>();
  const close = Promise.withResolvers<void>();
  let head: string | null = null;
  let rest = Buffer.alloc(0);
  stream.on("data", (data: Buffer) => {
    rest = Buffer.concat([rest, data]);
    const end = head === null ? rest.indexOf("\r\n\r\n") + 4 : 0;
    if (head === null && end < 4) return;
    head ??= rest.toString("latin1", 0, end);
    request.resolve(head);
    rest = rest.subarray(end);
    while (rest.length >= 2) {
      if (rest[0] === 0x88) close.resolve();
      const short = (rest[1] ?? 0) & 127;
      const size = short < 126 ? 6 : short === 126 ? 8 : 14;
      if (rest.length < size) break;
      const length = short < 126 ? short : short === 126 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
      if (rest.length < size + length) break;
      rest = rest.subarray(size + length);
    }
  });
  return { request: request.promise, close: close.promise };
}

function garbageTalk(dice: Dice): HostileTalk {
  const noise = Buffer.from(Array.from({ length: 1 + dice.below(600) }, () => dice.below(256)));
  // A record of TLS 1.2 whose content is noise, or no record at all.
  const record = Buffer.concat([Buffer.from([0x16, 3, 3, noise.length >> 8, noise.length & 255]), noise]);
  return { kind: noTls, answer: dice.pick([noise, record]), frames: Buffer.alloc(0), why: null };
}
