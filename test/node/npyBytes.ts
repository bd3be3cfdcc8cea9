/** An .npy file as NumPy writes it. */
export function npyBytes(shape: readonly number[], data: Float32Array | Float64Array): Uint8Array {
  const type = data instanceof Float32Array ? "<f4" : "<f8";
  const tuple = `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const padded = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
  return npyHeader(padded, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

/** An .npy file with any text as its header. */
export function npyHeader(text: string, data: Uint8Array, version = 1): Uint8Array {
  const header = new TextEncoder().encode(text);
  const length = new DataView(new ArrayBuffer(version === 1 ? 2 : 4));
  if (version === 1) length.setUint16(0, header.length, true);
  else length.setUint32(0, header.length, true);
  return Uint8Array.from([
    0x93,
    ...new TextEncoder().encode("NUMPY"),
    version,
    0,
    ...new Uint8Array(length.buffer),
    ...header,
    ...data,
  ]);
}
