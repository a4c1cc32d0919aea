/** The identity of the first container of a pod, as its labels have it. */
export const identityOf = (pod: string) => ({
  pod: { namespace: "websocket", name: pod, uid: `uid-${pod}` },
  container: "app",
  attempt: 0,
  installId: "i",
  generation: 0,
  podHash: "0123456789abcdef",
  specHash: "0123456789abcdef",
  restartPolicy: "Always" as const,
});
