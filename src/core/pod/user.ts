import type { ContainerSpec, PodId } from "./spec.ts";

/** `user` is Docker's `User`: "uid", "uid:gid", a name of the image, or "" for the image's root. */
export type UserResult =
  | { readonly ok: true; readonly user: string }
  | { readonly ok: false; readonly message: string };

const digits = /^[0-9]{1,10}$/;
const largestUid = 4_294_967_295;

/**
 * The user a container runs as: its own `runAsUser`, else the image's Config.User. Fails with the kubelet's words for
 * CreateContainerConfigError (`verifyRunAsNonRoot` in kuberuntime/security_context_others.go) when it must not be root and
 * is, or might be: what a name stands for is the image's to say.
 */
export function runAsUser(
  container: Pick<ContainerSpec, "name" | "securityContext">,
  image: { readonly user: string },
  pod?: PodId,
): UserResult {
  const { runAsUser: uid, runAsGroup: gid, runAsNonRoot } = container.securityContext;
  const whose = pod === undefined ? "" : `pod: "${pod.name}_${pod.namespace}(${pod.uid})", `;
  const refuse = (why: string): UserResult => ({ ok: false, message: `${why} (${whose}container: ${container.name})` });

  if (uid !== undefined) {
    if (runAsNonRoot && uid === 0) return refuse("container's runAsUser breaks non-root policy");
    return { ok: true, user: gid === undefined ? String(uid) : `${uid}:${gid}` };
  }
  // As the kubelet reads it: what stands before the colon, and nothing there means root.
  const [imageUser = ""] = image.user.split(":");
  const imageUid = imageUser === "" ? 0 : numeric(imageUser);
  if (runAsNonRoot && imageUid === 0) return refuse("container has runAsNonRoot and image will run as root");
  if (runAsNonRoot && imageUid === null) {
    return refuse(
      `container has runAsNonRoot and image has non-numeric user (${imageUser}), cannot verify user is non-root`,
    );
  }
  if (gid === undefined) return { ok: true, user: image.user };
  return { ok: true, user: `${imageUid ?? imageUser}:${gid}` };
}

function numeric(text: string): number | null {
  if (!digits.test(text)) return null;
  const value = Number(text);
  return value <= largestUid ? value : null;
}
