/** How the adapter ends its sentence about an engine of which no version of the API fits. */
const otherVersion = /; this program speaks \d/;

/**
 * What to do about an engine that cannot be used.
 * @param silent it is there, and did not answer in time
 * @param message why it cannot be used
 */
export function engineTodo({ silent, message }: { readonly silent: boolean; readonly message: string }): string {
  // The engine runs, and starting it again would change nothing.
  if (otherVersion.test(message)) return "Install Docker 18.09 to 28.5";
  if (silent || /did not answer in time/.test(message)) {
    return "The engine hangs: restart it (systemctl restart docker)";
  }
  return /EACCES|permission denied/i.test(message)
    ? "Run this as root, or as a member of the socket's group"
    : "Start the engine (systemctl start docker), or correct engine.socket in the configuration";
}
