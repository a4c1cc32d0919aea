import { describe } from "node:test";
import { engineContract } from "./contract.ts";
import { fakeMachine } from "./machines.ts";

describe("Engine: in memory", () => engineContract(fakeMachine));
