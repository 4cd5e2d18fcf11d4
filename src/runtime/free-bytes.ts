/**
 * Gives the memory of bytes back at once. Left to the garbage collector, which counts it, large pieces that live for a
 * moment have it run over the whole heap every second or so.
 */

/**
 * Frees the memory of `bytes`, of which nothing may be read any more; leaves it alone where it is part of a larger
 * piece.
 */
export function freeBytes({ buffer, byteLength }: Uint8Array): void {
  if (byteLength === buffer.byteLength && buffer instanceof ArrayBuffer) buffer.transfer(0)
}
