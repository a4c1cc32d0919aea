import { describe } from "node:test";
import { engineContract } from "./contract.ts";
import { olderMachine } from "./machines.ts";

describe("Engine: Docker at API 1.39", () => engineContract(olderMachine));
