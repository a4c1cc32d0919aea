import { dockerEngine } from "../../src/docker/engine.ts";
import { testImages } from "../test-images.ts";
import type { payloadOf } from "./bare.ts";

export interface Images {
  readonly app: Parameters<typeof payloadOf>[2]["app"];
  readonly sandbox: Parameters<typeof payloadOf>[2]["sandbox"];
}

export async function imagesOf(socket: string): Promise<Images> {
  const engine = dockerEngine({ socket });
  const signal = AbortSignal.timeout(30_000);
  const [app, sandbox] = [await engine.image(testImages.greeter, signal), await engine.ensureSandboxImage(signal)];
  if (!app.ok || !sandbox.ok) throw new Error("The engine lacks an image");
  return { app: app.value, sandbox: sandbox.value };
}
