import { readFileSync } from "node:fs";
import * as v from "valibot";
import type { NodeFacts } from "../core/admission/node-facts.ts";
import { recordOf } from "../core/config/config-schema.ts";

const quantities = recordOf(
  v.string(),
  v.pipe(v.union([v.string(), v.number()]), v.transform(String)),
  "names and quantities of resources",
);
const ports = v.array(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535)));

const container = v.object({
  name: v.optional(v.string(), ""),
  volumeMounts: v.optional(v.array(v.object({ name: v.string(), readOnly: v.optional(v.boolean()) }))),
  ports: v.optional(v.array(v.object({ hostPort: v.number(), hostIP: v.string(), protocol: v.string() }))),
  resources: v.optional(v.object({ limits: v.optional(quantities), requests: v.optional(quantities) })),
});

const volume = v.object({ name: v.string(), hostPath: v.optional(v.object({ path: v.string() })) });

const pod = v.object({
  metadata: v.object({
    name: v.string(),
    namespace: v.optional(v.string()),
    uid: v.optional(v.string()),
    resourceVersion: v.optional(v.string()),
  }),
  spec: v.object({
    restartPolicy: v.optional(v.string()),
    volumes: v.optional(v.array(volume)),
    containers: v.array(container),
  }),
});

/** The file of `edge validate --node`: each part that is there replaces what the device says of itself (contracts.md). */
const schema = v.object({
  allocatable: v.optional(quantities),
  addresses: v.optional(v.array(v.pipe(v.string(), v.ipv4()))),
  listening: v.optional(v.object({ tcp: v.optional(ports, []), udp: v.optional(ports, []) })),
  pods: v.optional(v.array(pod)),
  configMaps: v.optional(v.array(v.string())),
});

export type ParsedFacts =
  | { readonly ok: true; readonly facts: NodeFacts }
  | { readonly ok: false; readonly reason: string };

/** Reads a facts file over the device's own facts. */
export function parseFacts(file: string, own: NodeFacts): ParsedFacts {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    return { ok: false, reason: `${file} cannot be read as JSON: ${(error as Error).message}` };
  }
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return { ok: true, facts: { ...own, ...given(parsed.output) } };
  const issues = parsed.issues.map((issue) => `${file}: ${v.getDotPath(issue) ?? "the file"}: ${issue.message}`);
  return { ok: false, reason: issues.join("\n") };
}

/** Only what is there: a part that is left out must not hide the device's own. */
function given(facts: v.InferOutput<typeof schema>): Partial<NodeFacts> {
  // JSON leaves out what is undefined, which is also what the type's optional fields ask for.
  return JSON.parse(JSON.stringify(facts)) as Partial<NodeFacts>;
}
