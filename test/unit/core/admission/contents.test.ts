import assert from "node:assert/strict";
import { test } from "node:test";
import {
  admitConfigMap,
  admitContainerInfo,
  admitModelFiles,
  admitNpuSharing,
  admitSecret,
} from "../../../../src/core/admission/content.ts";
import * as contents from "../../../../src/core/admission/rules/contents.ts";
import type { Verdict } from "../../../../src/core/base/violation.ts";
import { context, withField } from "./pods.ts";

const tables = { ...contents };
type Table = keyof typeof tables;

interface Row {
  /** Where the value goes. */
  readonly at: string;
  readonly takes: readonly unknown[];
  readonly refuses: readonly unknown[];
}

const uuid = "0a1b2c3d-0000-4000-8000-000000000000";
const x = (count: number): string => "x".repeat(count);
const uuids = { takes: [uuid], refuses: [uuid.toUpperCase(), uuid.slice(1), "uuid"] };
const forbidden = (...values: readonly unknown[]) => ({ takes: [null, ""], refuses: values });
const words = { takes: [x(128)], refuses: [x(129), 1] };
const objects = { takes: [], refuses: ["text", 1, []] };
const times = { takes: ["2026-01-02T15:04:05Z"], refuses: ["2026-01-02 15:04:05", "2026-02-30T00:00:00Z"] };
const versions = { takes: ["a", x(64), "1.0_a-b"], refuses: [x(65), "-a", "a-", "A"] };
const modelNames = {
  takes: ["a.om", `${x(249)}.tar.gz`, "m.zip"],
  refuses: [`${x(254)}.om`, "a.bin", "a/b.om", "a..om"],
};

const metadata: readonly Row[] = [
  { at: "metadata", ...objects },
  { at: "metadata.namespace", takes: ["websocket", "mef-user"], refuses: ["default", 1] },
  { at: "metadata.resourceVersion", takes: [x(64)], refuses: [x(65), "1.0"] },
  { at: "metadata.creationTimestamp", ...times },
];
const kinds: readonly Row[] = [
  { at: "apiVersion", ...words },
  { at: "kind", ...words },
];

const rows: Readonly<Record<Table, readonly Row[]>> = {
  configMapRules: [
    ...kinds,
    ...metadata,
    {
      at: "metadata.name",
      takes: ["a123", `a${x(63)}`],
      refuses: ["abc", `a${x(64)}`, "1abc", "abc-", "Abcd", undefined],
    },
    { at: "metadata.uid", ...uuids },
    {
      at: "data",
      takes: [{ k: x(2048) }, { [`k${x(62)}`]: "" }, null],
      refuses: [{ k: x(2049) }, { [`k${x(63)}`]: "" }, { "1": "" }, { k: 1 }, []],
    },
    { at: "binaryData", takes: [{}], refuses: [{ k: "" }, []] },
    { at: "immutable", ...forbidden(true, false) },
  ],
  secretRules: [
    ...kinds,
    ...metadata,
    { at: "metadata.name", takes: ["a", x(128)], refuses: [x(129), "a-", "A", undefined] },
    { at: "metadata.uid", takes: [uuid, "fusion-director-docker-registry-secret"], refuses: ["other"] },
    { at: "data", takes: [{ ".dockerconfigjson": [0, 255] }], refuses: [{}, { other: "e30=" }, undefined] },
    { at: "type", takes: ["kubernetes.io/dockerconfigjson", ""], refuses: ["Opaque"] },
    { at: "stringData", ...forbidden({ k: "v" }) },
  ],
  containerInfoRules: [
    { at: "operation", takes: ["update"], refuses: ["delete", undefined] },
    { at: "source", takes: ["all"], refuses: ["one", undefined] },
    { at: "pod_name", takes: ["ab", `a${x(128)}`], refuses: ["a", `a${x(129)}`, "-a", undefined] },
    { at: "pod_uid", ...uuids },
    { at: "uuid", ...uuids },
    { at: "container", takes: [[{}], Array(10).fill({})], refuses: [[], Array(11).fill({}), undefined] },
    { at: "container[0]", ...objects },
    { at: "container[0].modelfile", takes: [[]], refuses: [{}, "text"] },
    { at: "container[0].modelfile[0]", ...objects },
    { at: "container[0].modelfile[0].name", ...modelNames },
    { at: "container[0].modelfile[0].version", ...versions },
    {
      at: "container[0].modelfile[0].active_type",
      takes: ["hot_update", "cold_update"],
      refuses: ["update", undefined],
    },
  ],
  modelFileRules: [
    { at: "operation", takes: ["update"], refuses: ["add", undefined] },
    { at: "target", takes: ["all", "temp", ""], refuses: ["some"] },
    { at: "uuid", ...uuids },
    { at: "modelfiles", takes: [], refuses: ["text", {}] },
    { at: "modelfiles[0]", ...objects },
    { at: "modelfiles[0].name", ...modelNames },
    { at: "modelfiles[0].version", ...versions },
    { at: "modelfiles[0].check_type", takes: ["sha256"], refuses: ["md5"] },
    { at: "modelfiles[0].check_code", takes: ["aB0".padEnd(64, "0")], refuses: ["0".repeat(63), "0".repeat(65)] },
    { at: "modelfiles[0].size", takes: ["1", "4294967296"], refuses: ["0", "01", "4294967297", 1] },
    { at: "modelfiles[0].file_server", ...objects },
    { at: "modelfiles[0].file_server.protocol", takes: ["https"], refuses: ["http"] },
    {
      at: "modelfiles[0].file_server.path",
      takes: [`GET https://${x(2048)}`],
      refuses: ["https://a/b", "GET http://a/b", `GET https://${x(2049)}`, "GET https://a b"],
    },
    { at: "modelfiles[0].file_server.user_name", takes: [x(64)], refuses: [x(65), "a b"] },
    { at: "modelfiles[0].file_server.password", takes: [x(8), x(64)], refuses: [x(7), x(65)] },
  ],
  npuSharingRules: [{ at: "npu_sharing_enabled", takes: [true, false], refuses: ["true", 1, undefined] }],
};

const good: Readonly<Record<Table, Readonly<Record<string, unknown>>>> = {
  configMapRules: { metadata: { name: "settings" }, data: { key: "value" } },
  secretRules: { metadata: { name: "secret" }, data: { ".dockerconfigjson": "e30=" } },
  containerInfoRules: {
    operation: "update",
    source: "all",
    pod_name: "pod-a",
    container: [{ modelfile: [{ name: "x.om", version: "1.0", active_type: "hot_update" }] }],
  },
  modelFileRules: {
    operation: "update",
    modelfiles: [
      { name: "x.om", file_server: { protocol: "https", path: "GET https://a/b", user_name: "u", password: x(8) } },
    ],
  },
  npuSharingRules: { npu_sharing_enabled: true },
};

const judge: Readonly<Record<Table, (content: unknown) => Verdict<unknown>>> = {
  configMapRules: (content) => admitConfigMap(content, "settings", context),
  secretRules: admitSecret,
  containerInfoRules: admitContainerInfo,
  modelFileRules: admitModelFiles,
  npuSharingRules: admitNpuSharing,
};

/** Its violations by their rules; one in a part of a map counts for the map. */
function rulesOf(table: Table, content: unknown): readonly string[] {
  const verdict = judge[table](content);
  return verdict.accepted ? [] : verdict.violations.map(({ rule }) => rule);
}

const ruleAt = (at: string): string => at.replace(/\[0\]$/, ".item").replaceAll("[0]", "");

for (const table of Object.keys(rows) as Table[]) {
  test(`${table}: the unchanged message is accepted`, () => {
    assert.deepEqual(rulesOf(table, good[table]), []);
  });
  for (const { at, takes, refuses } of rows[table]) {
    test(`${table}: ${at} accepts every value that the reference allows, up to both edges`, () => {
      for (const value of takes) assert.deepEqual(rulesOf(table, withField(good[table], at, value)), []);
      for (const value of refuses) {
        const found = rulesOf(table, withField(good[table], at, value));
        assert.ok(found.includes(ruleAt(at)), `${JSON.stringify(value)?.slice(0, 80)}: ${found.join()}`);
      }
    });
  }
}

test("the tests cover every row of these messages that has a limit", () => {
  const takesAll = ["metadata.labels", "metadata.annotations", "metadata.selfLink"];
  for (const table of Object.keys(rows) as Table[]) {
    const asked = new Set([...rows[table].map(({ at }) => ruleAt(at)), ...takesAll]);
    assert.deepEqual(
      tables[table].map(({ id }) => id).filter((id) => !asked.has(id)),
      [],
    );
  }
});
