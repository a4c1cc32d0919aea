import { describe } from "node:test";
import { engineContract } from "./contract.ts";
import { laterMachine, needsRoot } from "./machines.ts";

describe("Engine: Docker of the next Debian release", { skip: needsRoot }, () =>
  engineContract(() => laterMachine({ release: "trixie" })),
);
