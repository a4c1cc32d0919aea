/** The configuration of a new installation, as text: one for every device of an image. `center` may be empty. */
export function firstConfig(center: string): string {
  return `${JSON.stringify({ node: { name: "{serialNumber}", serialNumber: "{serialNumber}" }, center: { url: center } }, null, 2)}\n`;
}
