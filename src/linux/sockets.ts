import { join } from "node:path";
import { readText } from "./files.ts";

export type Protocol = "TCP" | "UDP";

/** One socket of this device that waits for anybody: its local port, and the inode that /proc/PID/fd names. */
export interface ListeningSocket {
  readonly port: number;
  readonly inode: string;
}

const tables = { TCP: ["tcp", "tcp6"], UDP: ["udp", "udp6"] } as const;
/** Kernel `tcp_states.h`: TCP_LISTEN; a UDP socket that is connected (01) is a client's, 07 waits for anybody. */
const waiting = { TCP: "0A", UDP: "07" } as const;
/** `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode`, addresses and ports in hexadecimal. */
const line = /^ *\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) \S+ \S+ +\S+ +\d+ +\d+ (\d+)/gm;

/** The sockets of this device that wait for connections or datagrams. @param proc where the kernel shows itself */
export function listeningSockets(protocol: Protocol, proc: string): readonly ListeningSocket[] {
  return tables[protocol].flatMap((table) =>
    [...readText(join(proc, "net", table)).matchAll(line)]
      .filter(([, , state]) => state === waiting[protocol])
      .map(([, port = "0", , inode = ""]) => ({ port: Number.parseInt(port, 16), inode })),
  );
}
