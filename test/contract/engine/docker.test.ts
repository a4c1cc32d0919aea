import { describe } from "node:test";
import { engineContract } from "./contract.ts";
import { realMachine } from "./machines.ts";

describe("Engine: Docker", () => engineContract(() => realMachine()));
