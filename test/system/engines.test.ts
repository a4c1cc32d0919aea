import { engineKinds } from "../../scripts/engine-kinds.ts";
import { lifeOn } from "./engine-life.ts";
import { lifeWithoutBridge } from "./engine-without-bridge.ts";

/** Names of the kinds to try, between bars; those of the test command where it is not set. */
const asked = process.env["EDGE_ENGINES"]?.split("|");
const kinds = engineKinds.filter(({ name }, index) => asked?.includes(name) ?? index < 2);

for (const kind of kinds) (kind.hasBridge ? lifeOn : lifeWithoutBridge)(kind);
