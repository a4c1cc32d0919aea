import * as v from "valibot";
import { type FieldRule, forbidden, forbiddenBut, optional, required } from "./row.ts";
import { anObject, aPath, list, pathWords, shortText, whole } from "./schema.ts";

const document = "Pod Update";
const reference = "protocol.md §2.5";

const commandWords = "a list of 1, the path of a program; put its arguments into a script of the image";
const noHandler = "not supported; use exec or httpGet";

/** Rules of one probe, each field by itself. What depends on the path being there stands in relations.ts. */
export function probeRules(probe: string): readonly FieldRule[] {
  const seconds = (name: string) =>
    optional(`${probe}.${name}`, whole(1, 3600), "a whole number from 1 to 3600", "Pod Update; decisions.md 28");
  return [
    optional(probe, anObject, "an object with exec or httpGet", document),
    optional(`${probe}.exec`, anObject, "an object with a command", document),
    required(`${probe}.exec.command`, list(1, 1), commandWords, "Pod Update; decisions.md 7"),
    required(`${probe}.exec.command[]`, aPath, pathWords, document),
    optional(`${probe}.failureThreshold`, v.literal(3), "3", "Pod Update; decisions.md 8"),
    optional(`${probe}.httpGet`, anObject, "an object with a path and a port", document),
    optional(`${probe}.httpGet.host`, shortText(64), "an IP address", document),
    optional(`${probe}.httpGet.path`, aPath, pathWords, document),
    optional(
      `${probe}.httpGet.port`,
      v.union([v.string(), v.pipe(v.number(), v.integer())]),
      "a whole number from 1 to 65535",
      document,
    ),
    optional(`${probe}.httpGet.scheme`, v.picklist(["HTTP", "HTTPS"]), "HTTP or HTTPS", document),
    forbiddenBut(`${probe}.httpGet.httpHeaders`, [], reference),
    seconds("initialDelaySeconds"),
    seconds("periodSeconds"),
    optional(`${probe}.successThreshold`, v.literal(1), "1", "Pod Update; decisions.md 8"),
    seconds("timeoutSeconds"),
    ...["tcpSocket", "grpc"].map((name) => optional(`${probe}.${name}`, v.never(), noHandler, reference)),
    forbidden(`${probe}.terminationGracePeriodSeconds`, reference),
  ];
}
