// `npm run bench`, first part: judging a message, beside what nobody can do without, JSON.parse of the same text; with V8's
// compilers, and with the options that the agent of the executable sets.
import { spawnSync } from "node:child_process";
import { admitMessage } from "../../src/core/admission/admit.ts";
import type { AdmissionContext } from "../../src/core/admission/context.ts";
import { everything } from "../../src/core/admission/feature-gates.ts";
import { defaultPolicy } from "../../src/core/admission/policy.ts";
import { maxMessageBytes } from "../../src/core/protocol/limits.ts";
import { decodeMessage } from "../../src/core/protocol/message.ts";
import { agentOptions } from "../executable.ts";
import { table } from "../table.ts";
import { figuresOf } from "./figures.ts";

const uid = "5eed9461-643e-4c0d-8a11-0f1e2d3c4b5a";

const context: AdmissionContext = {
  policy: defaultPolicy,
  node: {
    allocatable: { cpu: "4", memory: "8Gi" },
    addresses: ["127.0.0.1"],
    listening: { tcp: [22], udp: [53] },
    pods: [],
    configMaps: [],
  },
  featureGates: everything,
  nodeName: "edge-1",
};

type Counts = Readonly<Record<"containers" | "env" | "ports" | "mounts" | "valueLength", number>>;

/** A pod update that every rule lets pass, but for the names of its variables if they begin otherwise. */
function podUpdate({ containers, env, ports, mounts, valueLength }: Counts, prefix = "VARIABLE_"): string {
  const many = <T>(count: number, make: (index: number) => T): readonly T[] =>
    Array.from({ length: count }, (_, i) => make(i));
  const container = (index: number) => ({
    name: `app-${index}`,
    image: "registry.example/app:1",
    env: many(env, (i) => ({ name: `${prefix}${i}`, value: "v".repeat(valueLength) })),
    ports: many(ports, (i) => ({
      containerPort: 1024 + i,
      hostPort: 2000 + index * ports + i,
      protocol: "TCP",
      hostIP: "127.0.0.1",
    })),
    resources: { requests: { cpu: "10m", memory: "8Mi" }, limits: { cpu: "100m", memory: "16Mi" } },
    securityContext: { runAsUser: 1000, runAsGroup: 1000 },
    volumeMounts: many(mounts, (i) => ({ name: `v${i}`, mountPath: `/mnt/v${i}`, readOnly: true })),
  });
  const spec = {
    volumes: many(mounts, (i) => ({ name: `v${i}`, emptyDir: {} })),
    containers: many(containers, container),
    restartPolicy: "Always",
  };
  return JSON.stringify({
    header: { msg_id: uid, parent_msg_id: "", timestamp: 1, sync: true, resourceversion: "" },
    route: { source: "controller", group: "resource", operation: "update", resource: `websocket/pod/app-${uid}` },
    content: { metadata: { name: `app-${uid}`, uid, resourceVersion: "1" }, spec },
  });
}

/** As many of everything as the rules allow, and values as long as a message may be. */
function largest(prefix?: string): string {
  const most = { containers: 10, env: 256, ports: 16, mounts: 256 };
  const bare = podUpdate({ ...most, valueLength: 1 }, prefix).length;
  const valueLength = Math.min(512, 1 + Math.floor((maxMessageBytes - bare) / (most.containers * most.env)));
  return podUpdate({ ...most, valueLength }, prefix);
}

/** Judges the way the agent does, and throws when the verdict is another one: it would be reached in a shorter way. */
function judge(text: string, isAccepted: boolean): void {
  const decoded = decodeMessage(text);
  if (!decoded.ok) throw new Error(decoded.reason);
  const verdict = admitMessage(decoded.message, context);
  if (verdict.accepted !== isAccepted) throw new Error(`Accepted: ${verdict.accepted}`);
}

/** In turns, so that whatever else the machine does falls on both. */
function measure(text: string, isAccepted: boolean, rounds: number): readonly [number, number] {
  const parsing: number[] = [];
  const judging: number[] = [];
  for (let round = -rounds; round < rounds; round += 1) {
    const start = performance.now();
    JSON.parse(text);
    const middle = performance.now();
    judge(text, isAccepted);
    const end = performance.now();
    if (round < 0) continue;
    parsing.push(middle - start);
    judging.push(end - middle);
  }
  return [figuresOf(parsing).median * 1000, figuresOf(judging).median * 1000];
}

interface Case {
  readonly name: string;
  readonly text: string;
  readonly isAccepted: boolean;
  readonly rounds: number;
}

function row({ name, text, isAccepted, rounds }: Case): readonly string[] {
  const [parsing, judging] = measure(text, isAccepted, rounds);
  return [name, String(text.length), parsing.toFixed(0), judging.toFixed(0), (judging / parsing).toFixed(1)];
}

const typical = podUpdate({ containers: 1, env: 8, ports: 2, mounts: 4, valueLength: 16 });
const cases: readonly Case[] = [
  { name: "typical: 1 container, 8 env, 2 ports, 4 mounts", text: typical, isAccepted: true, rounds: 1000 },
  {
    name: "largest: 10 containers, each 256 env, 16 ports, 256 mounts",
    text: largest(),
    isAccepted: true,
    rounds: 20,
  },
  { name: "the largest with 2,560 wrong names", text: largest("0_"), isAccepted: false, rounds: 20 },
];
const isAsAgent = process.execArgv.includes("--optimize-for-size");
console.log(
  `${process.arch}, Node ${process.version}, ${isAsAgent ? "options of the agent" : "V8 with its compilers"}\n`,
);
console.log(table(["pod update", "bytes", "JSON.parse µs", "read and judged µs", "ratio"], cases.map(row)));
if (!isAsAgent) {
  spawnSync(process.execPath, [...agentOptions(), import.meta.filename], { stdio: "inherit" });
  console.log("\nMeasured with: npm run bench");
}
