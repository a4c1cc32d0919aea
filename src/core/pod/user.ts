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
 *
 * Who must not be root gets a group as well, `runAsGroup`, the image's or the number of the user: without one the engine
 * looks the user up in the image's own passwd and group files, and takes group 0 where it finds nothing.
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
    if (gid !== undefined) return { ok: true, user: `${uid}:${gid}` };
    return { ok: true, user: runAsNonRoot ? `${uid}:${uid}` : String(uid) };
  }
  // As the kubelet reads it: what stands before the colon, and nothing there means root.
  const [imageUser = "", imageGroup = ""] = image.user.split(":");
  const imageUid = imageUser === "" ? 0 : numeric(imageUser);
  if (runAsNonRoot && imageUid === 0) return refuse("container has runAsNonRoot and image will run as root");
  if (runAsNonRoot && imageUid === null) {
    return refuse(
      `container has runAsNonRoot and image has non-numeric user (${imageUser}), cannot verify user is non-root`,
    );
  }
  if (gid === undefined && runAsNonRoot) {
    const imageGid = imageGroup === "" ? imageUid : numeric(imageGroup);
    if (imageGid === 0) return refuse("container has runAsNonRoot and image will run with group 0, set runAsGroup");
    if (imageGid !== null) return { ok: true, user: `${imageUid}:${imageGid}` };
    return refuse(
      `container has runAsNonRoot and image has non-numeric group (${imageGroup}), cannot verify group is non-root, set runAsGroup`,
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

/**
 * Whether a user may read and write a file with this owner, group and mode; a group counts before everybody else, as in
 * the kernel. True where the numbers are not known, and for root, who may have the capability for it.
 * @param user Docker's `User`, as `runAsUser` gives it
 */
export function mayOpen(
  user: string,
  { uid, gid, mode }: { readonly uid: number; readonly gid: number; readonly mode: number },
): boolean {
  const [own, group] = user.split(":").map(numeric);
  if (own === undefined || own === null || own === 0) return true;
  if (own === uid) return (mode & 0o600) === 0o600;
  if (group === gid) return (mode & 0o060) === 0o060;
  return group === null || group === undefined || (mode & 0o006) === 0o006;
}

/**
 * Why a process that was made with one group is not held to it: the engine gave it others, or group 0. Null when all is
 * well, and for a container that may be root or gain privileges: its groups are its own affair.
 * @param groups every group of its first process, real, effective, saved and supplementary
 */
export function groupTrouble(
  { securityContext }: Pick<ContainerSpec, "securityContext">,
  groups: readonly number[],
): string | null {
  const { runAsNonRoot, allowPrivilegeEscalation, runAsGroup } = securityContext;
  if (!runAsNonRoot || allowPrivilegeEscalation) return null;
  const different = [...new Set(groups)];
  if (different.length <= 1 && (different[0] !== 0 || runAsGroup === 0)) return null;
  return `its process has the groups ${different.slice(0, 8).join(", ")}; expected one, and not 0`;
}
