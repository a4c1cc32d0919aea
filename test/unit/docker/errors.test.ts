import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { engineError, isProgramError, streamedError } from "../../../src/docker/errors.ts";

const never = new AbortController().signal;

/** Operation, status, and Docker 20.10's own words, as measured. */
const answers: readonly (readonly [operation: string, status: number, message: string, kind: string])[] = [
  ["create", 404, "No such image: nope:1", "imageNotFound"],
  ["image", 404, "No such image: nope:1", "notFound"],
  ["inspect", 404, "No such container: abc", "notFound"],
  ["start", 404, "No such container: abc", "notFound"],
  [
    "create",
    404,
    "image x does not match the specified platform: wanted linux/amd64, actual: linux/arm64",
    "wrongArchitecture",
  ],
  ["create", 409, 'Conflict. The container name "/aa" is already in use by container "b"', "conflict"],
  ["create", 400, "invalid mount config for type bind: bind source path does not exist: /x", "invalid"],
  ["create", 500, "mkdir /var/lib/docker/x: no space left on device", "diskFull"],
  ["exec", 500, "can only create exec sessions on running containers: container state improper", "conflict"],
  ["start", 400, "OCI runtime create failed: exec: stat /nope: no such file or directory: unknown", "failed"],
  ["start", 500, "driver failed: Bind for 127.0.0.1:18081 failed: port is already allocated", "portInUse"],
  ["start", 500, "Error starting userland proxy: listen tcp4 127.0.0.1:80: bind: address already in use", "portInUse"],
  ["start", 500, "runc create failed: can't get final child's PID from pipe: EOF: unknown", "oomScoreRefused"],
  ["start", 500, "nsexec: failed to update /proc/self/oom_score_adj: Permission denied", "oomScoreRefused"],
  ["start", 500, "unable to store init state: %!w(<nil>)", "diskFull"],
  [
    "start",
    500,
    "connection error: dial unix /run/containerd/containerd.sock: connect: connection refused: unavailable",
    "unavailable",
  ],
  ["start", 500, 'error gathering device information while adding custom device "/dev/ttyAMA9"', "failed"],
  ["remove", 409, "You cannot remove a running container abc", "conflict"],
  ["list", 400, "client version 1.41 is too old. Minimum supported API version is 1.44", "unavailable"],
  ["list", 503, "starting up", "unavailable"],
  ["list", 500, "something else", "failed"],
  ["pull", 500, 'Head "http://r/v2/x/manifests/1": no basic auth credentials', "registryAuth"],
  ["pull", 500, 'Head "http://r/v2/": unauthorized: authentication required', "registryAuth"],
  ["pull", 404, "pull access denied for x, repository does not exist or may require 'docker login'", "registryAuth"],
  ["pull", 404, "manifest for r/x:2 not found: manifest unknown: manifest unknown", "imageNotFound"],
  ["create", 500, "creating container storage: that name is already in use", "conflict"],
  ["remove", 500, "container b1 has dependent containers which must be removed before it: f8", "conflict"],
  ["remove", 500, "cannot remove container a4 as it is running: container state improper", "conflict"],
  ["pull", 500, 'failed to resolve reference "r/x:2": r/x:2: not found', "imageNotFound"],
  ["pull", 500, "no match for platform in manifest sha256:1b2: not found", "wrongArchitecture"],
  ["pull", 404, "no matching manifest for linux/amd64 in the manifest list entries", "wrongArchitecture"],
  [
    "pull",
    500,
    'Get "http://127.0.0.1:9/v2/": dial tcp 127.0.0.1:9: connect: connection refused',
    "registryUnreachable",
  ],
  [
    "pull",
    500,
    'Get "https://r/v2/": net/http: request canceled (Client.Timeout exceeded while awaiting headers)',
    "registryUnreachable",
  ],
  ["pull", 500, "dial tcp: lookup r.test on 127.0.0.53:53: server misbehaving", "registryUnreachable"],
  ["pull", 500, "dial tcp 10.0.0.1:443: connect: network is unreachable", "registryUnreachable"],
  ["pull", 500, "x509: certificate signed by unknown authority", "registryUnreachable"],
  ["pull", 500, "write /var/lib/docker/tmp: no space left on device", "diskFull"],
  ["pull", 400, "invalid reference format", "invalid"],
  ["pull", 500, "toomanyrequests: slow down", "registryBusy"],
  ["pull", 500, 'error parsing HTTP 429 response body: unexpected end of JSON input: ""', "registryBusy"],
  [
    "pull",
    500,
    "failed to copy: unexpected status code https://r/v2/x/manifests/1: 429 Too Many Requests - Server message: slow",
    "registryBusy",
  ],
  ["pull", 404, "manifest for r/toomanyrequests:2 not found: manifest unknown: manifest unknown", "imageNotFound"],
  ["pull", 500, "error parsing HTTP 503 response body: unavailable", "failed"],
  ["pull", 500, "Get https://containerd.test/v2/: service unavailable", "failed"],
  ["pull", 503, "the registry is being mended", "failed"],
];

const startErrors: readonly (readonly [isProgram: boolean, words: string])[] = [
  [true, 'OCI runtime create failed: container_linux.go:344: starting container process caused "exec: nope": unknown'],
  [
    true,
    'failed to create task for container: failed to create shim task: OCI runtime create failed: exec: "/a": stat',
  ],
  [true, "OCI runtime start failed: starting container: permission denied: unknown"],
  [true, "crun: executable file `nope` not found: OCI runtime attempted to invoke a command that was not found"],
  [false, "driver failed programming external connectivity: Bind for 0.0.0.0:80 failed: port is already allocated"],
  [false, "OCI runtime create failed: write /proc/self/oom_score_adj: permission denied: unknown"],
  [false, "OCI runtime create failed: mkdir /run/x: no space left on device: unknown"],
  [false, "OCI runtime create failed: unable to retrieve OCI runtime error: exec: runc: executable file not found"],
  [false, "OCI runtime create failed: context deadline exceeded: unknown"],
  [false, "failed to create shim task: ttrpc: closed: unavailable"],
  [false, 'error gathering device information while adding custom device "/dev/davinci0": no such file or directory'],
  [false, "failed to create endpoint x on network bridge: iptables failed: no chain by that name"],
  [false, "cannot join network of a non running container: abc"],
];

describe("isProgramError", () => {
  for (const [isProgram, words] of startErrors)
    it(`${isProgram ? "is" : "is not"} the program's: ${words}`, () => assert.equal(isProgramError(words), isProgram));
});

describe("engineError", () => {
  for (const [operation, status, message, kind] of answers) {
    it(`maps ${operation} ${status} ${message} to ${kind}`, () => {
      const plain = { statusCode: status, json: { message } };
      assert.deepEqual(engineError(operation, plain, never), { kind, operation, message });
      // docker-modem's wrapping, where it has not kept the answer.
      const wrapped = Object.assign(new Error(`(HTTP code ${status}) no such thing - ${message} `), {
        statusCode: status,
      });
      assert.deepEqual(engineError(operation, wrapped, never), { kind, operation, message });
    });
  }

  it("distinguishes an absent engine from a bug", () => {
    for (const code of ["ENOENT", "ECONNREFUSED", "ECONNRESET", "EPIPE", "EACCES"]) {
      assert.equal(engineError("list", Object.assign(new Error(code), { code }), never).kind, "unavailable", code);
    }
    assert.equal(engineError("list", new TypeError("x is not a function"), never).kind, "failed");
    assert.equal(engineError("list", undefined, never).kind, "failed");
  });

  it("distinguishes a deadline from an abort, whatever the error of the call", () => {
    const cause = new Error("aborted");
    const late = AbortSignal.abort(new DOMException("late", "TimeoutError"));
    assert.equal(engineError("list", cause, late).kind, "timeout");
    assert.equal(engineError("list", cause, AbortSignal.abort()).kind, "aborted");
    const closed = engineError("watch", cause, new AbortController().signal);
    assert.equal(closed.message, "The engine closed the connection");
  });

  it("keeps 1,024 characters of what the engine says", () => {
    assert.equal(
      engineError("list", { statusCode: 500, json: { message: "x".repeat(5000) } }, never).message.length,
      1024,
    );
    assert.equal(streamedError("pull", "y".repeat(5000)).message.length, 1024);
  });

  it("hides possible tokens in addresses of a registry's message", () => {
    const words = 'Get "https://auth.example/token?account=hunter2": unauthorized';
    const said = streamedError("pull", words);
    assert.deepEqual(
      [said.kind, said.message],
      ["registryAuth", 'Get "https://auth.example/token?(hidden)": unauthorized'],
    );
  });
});
