import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ContainerSpec } from "../../../../src/core/pod/spec.ts";
import { groupTrouble, mayOpen, runAsUser } from "../../../../src/core/pod/user.ts";
import { acceptedPod } from "../../../contract/engine-requests.ts";

const pod = acceptedPod("web");
const [container] = pod.spec.containers;
const root = "container has runAsNonRoot and image will run as root (container: app)";
const named = (user: string): string =>
  `container has runAsNonRoot and image has non-numeric user (${user}), cannot verify user is non-root (container: app)`;
const groupZero = "container has runAsNonRoot and image will run with group 0, set runAsGroup (container: app)";
const namedGroup = (group: string): string =>
  `container has runAsNonRoot and image has non-numeric group (${group}), cannot verify group is non-root, set runAsGroup (container: app)`;

/** Image's user, runAsUser, runAsGroup; then the user when root is forbidden, and when it is not. */
const cases: readonly (readonly [string, number | undefined, number | undefined, string, string])[] = [
  ["1000", undefined, undefined, "1000:1000", "1000"],
  ["1000:", undefined, undefined, "1000:1000", "1000:"],
  ["1000:0", undefined, undefined, groupZero, "1000:0"],
  ["1000:000", undefined, undefined, groupZero, "1000:000"],
  ["1000:wheel", undefined, undefined, namedGroup("wheel"), "1000:wheel"],
  ["1000:0", undefined, 2000, "1000:2000", "1000:2000"],
  ["1000:0", 3000, undefined, "3000:3000", "3000"],
  ["1000:100", undefined, undefined, "1000:100", "1000:100"],
  ["", undefined, undefined, root, ""],
  ["0", undefined, undefined, root, "0"],
  ["000", undefined, undefined, root, "000"],
  ["0:1000", undefined, undefined, root, "0:1000"],
  [":1000", undefined, undefined, root, ":1000"],
  ["root", undefined, undefined, named("root"), "root"],
  ["nobody:nogroup", undefined, undefined, named("nobody"), "nobody:nogroup"],
  ["+5", undefined, undefined, named("+5"), "+5"],
  ["99999999999", undefined, undefined, named("99999999999"), "99999999999"],
  ["", 1000, undefined, "1000:1000", "1000"],
  ["root", 1000, 2000, "1000:2000", "1000:2000"],
  ["", 0, undefined, "container's runAsUser breaks non-root policy (container: app)", "0"],
  ["1000:100", undefined, 2000, "1000:2000", "1000:2000"],
  ["", undefined, 2000, root, "0:2000"],
  ["nobody", undefined, 2000, named("nobody"), "nobody:2000"],
];

describe("runAsUser", () => {
  for (const [image, uid, gid, strict, free] of cases) {
    it(`resolves the user for image ${JSON.stringify(image)}, runAsUser ${uid}, runAsGroup ${gid}`, () => {
      assert.ok(container);
      for (const [runAsNonRoot, expected] of [
        [true, strict],
        [false, free],
      ] as const) {
        const securityContext = {
          ...container.securityContext,
          runAsNonRoot,
          ...(uid === undefined ? {} : { runAsUser: uid }),
          ...(gid === undefined ? {} : { runAsGroup: gid }),
        };
        const result = runAsUser({ name: "app", securityContext }, { user: image });
        assert.equal(result.ok ? result.user : result.message, expected);
      }
    });
  }

  it("names the pod as the kubelet does", () => {
    assert.ok(container);
    const result = runAsUser(container, { user: "" }, { namespace: "websocket", name: "web", uid: "u-1" });
    assert.ok(!result.ok);
    assert.equal(
      result.message,
      'container has runAsNonRoot and image will run as root (pod: "web_websocket(u-1)", container: app)',
    );
  });
});

describe("groupTrouble", () => {
  const security = { ...container?.securityContext, runAsNonRoot: true, allowPrivilegeEscalation: false };
  const strict = { securityContext: security as ContainerSpec["securityContext"] };

  it("accepts one group or none", () => {
    for (const groups of [[1000, 1000, 1000, 1000, 1000], []]) assert.equal(groupTrouble(strict, groups), null);
  });

  it("names several groups, and group 0 that the pod did not ask for", () => {
    assert.match(groupTrouble(strict, [1000, 1000, 27]) ?? "", /has the groups 1000, 27; expected one/);
    assert.match(groupTrouble(strict, [0, 0]) ?? "", /has the groups 0; expected one, and not 0/);
    assert.equal(groupTrouble({ securityContext: { ...strict.securityContext, runAsGroup: 0 } }, [0]), null);
  });

  it("accepts any group if the container may be root or gain privileges", () => {
    for (const free of [{ runAsNonRoot: false }, { allowPrivilegeEscalation: true }]) {
      assert.equal(groupTrouble({ securityContext: { ...strict.securityContext, ...free } }, [0, 27]), null);
    }
  });
});

describe("A device node", () => {
  const of = (mode: number) => ({ uid: 10, gid: 1001, mode });
  for (const [user, mode, open] of [
    ["10:20", 0o600, true],
    ["10:1001", 0o060, false],
    ["1000:1001", 0o660, true],
    ["1000:1001", 0o640, false],
    ["1000:1001", 0o606, false],
    ["1000:1000", 0o660, false],
    ["1000:1000", 0o666, true],
    ["0:0", 0o600, true],
    ["root", 0o600, true],
    ["", 0o600, true],
    ["1000", 0o600, true],
  ] as const) {
    it(`of 10:1001 with mode 0${mode.toString(8)} ${open ? "may" : "may not"} be opened by ${user || "the user of an image"}`, () => {
      assert.equal(mayOpen(user, of(mode)), open);
    });
  }
});
