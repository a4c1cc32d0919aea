import assert from "node:assert/strict";
import { test } from "node:test";
import { isVain } from "../../../../src/core/admission/rules/host-paths.ts";

test("an entry of the owner's lists has no effect if everything that it allows is protected", () => {
  const hidden = ["/var/lib/docker", "/var/lib/edge"];
  const vain = ["/", "/proc", "/proc/**", "/sys/class/**", "/var/lib/edge/data", "/var/lib/docker/volumes/**"];
  const useful = ["/data", "/data/**", "/var/lib/**", "/var/lib/docker/modelfile", "/var/lib/docker/**"];
  assert.deepEqual(
    vain.filter((entry) => !isVain(entry, hidden)),
    [],
  );
  assert.deepEqual(
    useful.filter((entry) => isVain(entry, hidden)),
    [],
  );
});
