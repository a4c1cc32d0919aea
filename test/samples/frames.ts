import type { seededRandom } from "../fakes/random.ts";
import { podUpdate } from "./messages.ts";

type Dice = ReturnType<typeof seededRandom>;

/** One way in which a center speaks no WebSocket. */
export interface HostileTalk {
  readonly kind: string;
  /** Instead of the answer to the upgrade; null where that is the right one. */
  readonly answer: Buffer | null;
  /** Sent behind a right answer. */
  readonly frames: Buffer;
  /** What the device gives as the reason for the end; null where the talk is not wrong enough for one. */
  readonly why: RegExp | null;
}

const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
const fin = 0x80;

/** A frame as RFC 6455 §5.2 has it; `length` overrides what its header says of its length. */
function frame(
  head: number,
  payload: string | Buffer = "",
  { length, mask }: { readonly length?: bigint; readonly mask?: Buffer } = {},
): Buffer {
  const body = Buffer.from(payload);
  const said = length ?? BigInt(body.length);
  const isMasked = mask === undefined ? 0 : 0x80;
  const size = Buffer.alloc(said < 126n ? 1 : said < 65_536n ? 3 : 9);
  if (size.length === 1) size[0] = isMasked | Number(said);
  else if (size.length === 3) size.writeUInt16BE(Number(said), 1);
  else size.writeBigUInt64BE(said, 1);
  if (size.length > 1) size[0] = isMasked | (size.length === 3 ? 126 : 127);
  const masked = mask === undefined ? body : body.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return Buffer.concat([Buffer.from([head]), size, mask ?? Buffer.alloc(0), masked]);
}

function bytes(dice: Dice, count: number): Buffer {
  return Buffer.from(Array.from({ length: count }, () => dice.below(256)));
}

function update(dice: Dice): string {
  const env = [{ name: "TEXT", value: "ä".repeat(dice.below(2_000)) }];
  const number = String(dice.below(1_000_000)).padStart(12, "0");
  return podUpdate({
    name: dice.pick(["a", "b"]),
    uid: `99999999-0000-4000-8000-${number}`,
    msgId: `99999999-0000-4000-9000-${number}`,
    container: { env },
  });
}

/** The same bytes with some of their bits turned. */
function flipped(dice: Dice, sound: Buffer): Buffer {
  const broken = Buffer.from(sound);
  for (let left = 1 + dice.below(8); left > 0; left -= 1) {
    const at = dice.below(broken.length);
    broken[at] = (broken[at] ?? 0) ^ (1 << dice.below(8));
  }
  return broken;
}

const broken = /^The center closed the connection with code 1002\b/;
const refused = /^The center answered /;
const wrongUpgrade = /^(Invalid|Missing|Server sent|Unexpected|Parse Error|socket hang up)/;

/** Talks behind a right answer to the upgrade. */
const frameTalks: Readonly<Record<string, (dice: Dice) => Pick<HostileTalk, "frames" | "why">>> = {
  "random bytes": (dice) => ({ frames: bytes(dice, 1 + dice.below(4_096)), why: null }),
  "flipped bits": (dice) => ({
    frames: flipped(dice, Buffer.concat([frame(fin | opcodes.text, update(dice)), frame(fin | opcodes.ping, "1")])),
    why: null,
  }),
  "half a frame": (dice) => {
    const whole = frame(fin | opcodes.text, update(dice));
    return { frames: whole.subarray(0, 1 + dice.below(whole.length - 1)), why: null };
  },
  "unknown opcode": (dice) => ({
    frames: frame(fin | dice.pick([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]), bytes(dice, dice.below(100))),
    why: broken,
  }),
  "reserved bits": (dice) => ({
    frames: frame(fin | (dice.pick([1, 2, 3, 4, 5, 6, 7]) << 4) | opcodes.text, update(dice)),
    why: broken,
  }),
  "masked by the center": (dice) => ({
    frames: frame(fin | opcodes.text, update(dice), { mask: bytes(dice, 4) }),
    why: broken,
  }),
  "huge length": (dice) => ({
    frames: frame(fin | opcodes.text, bytes(dice, dice.below(64)), {
      length: dice.pick([1_048_577n, 0x7fff_ffffn, 0x1_0000_0000n, (1n << 53n) - 1n, 1n << 53n, (1n << 63n) - 1n]),
    }),
    why: /^The center closed the connection with code (1009|1002: .*length)\b/,
  }),
  "huge in parts": () => {
    const part = "x".repeat(1_048_000);
    return {
      frames: Buffer.concat([frame(opcodes.text, part), frame(fin | opcodes.continuation, part)]),
      why: /^The center closed the connection with code 1009\b/,
    };
  },
  "countless fragments": () => {
    const parts = Array.from({ length: 20_000 }, () => frame(opcodes.continuation, "x"));
    return { frames: Buffer.concat([frame(opcodes.text, "x"), ...parts]), why: /Too many message fragments/ };
  },
  "control frame in parts": (dice) => ({
    frames: frame(dice.pick([opcodes.close, opcodes.ping, opcodes.pong]), bytes(dice, dice.below(50))),
    why: broken,
  }),
  "long control frame": (dice) => ({
    frames: frame(fin | dice.pick([opcodes.ping, opcodes.pong, opcodes.close]), bytes(dice, 126 + dice.below(4_000))),
    why: broken,
  }),
  "end without a beginning": (dice) => ({ frames: frame(fin | opcodes.continuation, update(dice)), why: broken }),
  "message inside a message": (dice) => ({
    frames: Buffer.concat([frame(opcodes.text, "{"), frame(fin | opcodes.text, update(dice))]),
    why: broken,
  }),
  "half a character": () => ({
    frames: frame(fin | opcodes.text, Buffer.from([0x7b, 0xe2, 0x82])),
    why: /^The center closed the connection with code 1007\b/,
  }),
  "binary message": (dice) => ({
    frames: frame(fin | opcodes.binary, bytes(dice, dice.below(500))),
    why: /^The center closed the connection with code 1003\b/,
  }),
  "wrong close": (dice) => ({
    frames: frame(
      fin | opcodes.close,
      dice.pick([Buffer.from([3]), Buffer.from([0, 7]), Buffer.from([3, 237]), bytes(dice, 1)]),
    ),
    why: broken,
  }),
  "close with half a character": () => ({
    frames: frame(fin | opcodes.close, Buffer.from([3, 232, 0xc3])),
    why: /^The center closed the connection with code 1007\b/,
  }),
  "flood of pings": (dice) => ({
    frames: Buffer.concat(Array.from({ length: 2_000 }, () => frame(fin | opcodes.ping, bytes(dice, 100)))),
    why: null,
  }),
  "flood of pongs": () => ({
    frames: Buffer.concat(Array.from({ length: 5_000 }, (_, index) => frame(fin | opcodes.pong, String(index)))),
    why: null,
  }),
  "nothing at all": () => ({ frames: Buffer.alloc(0), why: null }),
};

const upgradeHead = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";

/** Wrong answers to the upgrade. */
const answerTalks: Readonly<
  Record<string, (dice: Dice) => { readonly answer: Buffer | string; readonly why: RegExp | null }>
> = {
  "no HTTP": (dice) => ({ answer: bytes(dice, 1 + dice.below(2_000)), why: null }),
  "half an answer": (dice) => ({ answer: upgradeHead.slice(0, 1 + dice.below(upgradeHead.length - 1)), why: null }),
  "wrong key": () => ({ answer: `${upgradeHead}Sec-WebSocket-Accept: bm8=\r\n\r\n`, why: wrongUpgrade }),
  "no key": () => ({ answer: `${upgradeHead}\r\n`, why: wrongUpgrade }),
  "another protocol": () => ({
    answer: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    why: wrongUpgrade,
  }),
  "other status": (dice) => ({
    answer: `HTTP/1.1 ${dice.pick([200, 204, 301, 400, 404, 429, 500, 503, 599])} x\r\nRetry-After: ${dice.pick(["x", "-1", "0", "1e9"])}\r\n\r\n`,
    why: refused,
  }),
  "endless header": () => ({ answer: `HTTP/1.1 101 x\r\nX: ${"x".repeat(200_000)}`, why: wrongUpgrade }),
  "endless body": () => ({ answer: `HTTP/1.1 500 x\r\n\r\n${"x".repeat(1_000_000)}`, why: refused }),
  "endless continue": () => ({ answer: "HTTP/1.1 100 Continue\r\n\r\n".repeat(20_000), why: null }),
};

export const talkKinds: readonly string[] = [...Object.keys(frameTalks), ...Object.keys(answerTalks)];

/** The talk of a kind, as the dice fall. */
export function hostileTalk(kind: string, dice: Dice): HostileTalk {
  const inFrames = frameTalks[kind];
  if (inFrames !== undefined) return { kind, answer: null, ...inFrames(dice) };
  const talk = answerTalks[kind]?.(dice);
  if (talk === undefined) throw new Error(`There is no talk ${kind}`);
  return { kind, answer: Buffer.from(talk.answer), frames: Buffer.alloc(0), why: talk.why };
}
