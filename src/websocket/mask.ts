/**
 * Masks a frame of a WebSocket (RFC 6455, 5.3), four bytes at a time. The loop of ws takes one byte at a time, which is slow
 * without V8's compilers. The bundle puts this file in the place of ws's optional package `bufferutil`, whose native code would
 * be one more addon to carry.
 * @param key four bytes
 * @param offset where in `output` the first byte goes
 * @param length of the bytes of `source` to mask
 */
export function mask(source: Uint8Array, key: Uint8Array, output: Uint8Array, offset: number, length: number): void {
  const target = output.subarray(offset, offset + length);
  const head = Math.min(-source.byteOffset & 3, length);
  const words = (length - head) >> 2;
  if (((target.byteOffset + head) & 3) !== 0 || words === 0) {
    maskBytes(source, key, target, 0, length);
    return;
  }
  maskBytes(source, key, target, 0, head);
  const from = new Uint32Array(source.buffer, source.byteOffset + head, words);
  const to = new Uint32Array(target.buffer, target.byteOffset + head, words);
  const word = keyWord(key, head);
  for (let index = 0; index < words; index += 1) to[index] = (from[index] ?? 0) ^ word;
  maskBytes(source, key, target, head + words * 4, length);
}

/** Takes the mask off again, in place. */
export function unmask(buffer: Uint8Array, key: Uint8Array): void {
  mask(buffer, key, buffer, 0, buffer.length);
}

/** The key as the four bytes from a place of the frame on meet it, in the order of this processor. */
function keyWord(key: Uint8Array, place: number): number {
  const turned = Uint8Array.from({ length: 4 }, (_, index) => key[(place + index) & 3] ?? 0);
  return new Uint32Array(turned.buffer)[0] ?? 0;
}

function maskBytes(source: Uint8Array, key: Uint8Array, target: Uint8Array, from: number, to: number): void {
  for (let index = from; index < to; index += 1) target[index] = (source[index] ?? 0) ^ (key[index & 3] ?? 0);
}
