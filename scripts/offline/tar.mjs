const BLOCK = 512;

/**
 * Files as a tar archive (ustar) that depends on nothing but names, modes and contents: sorted, without times, owned by
 * root.
 *
 * @param files `{ path, data, mode }`; paths of at most 100 bytes, or 155 and 100 around a slash
 * @returns the archive in pieces
 */
export function* tar(files) {
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const { path, data, mode } of sorted) {
    yield header(path, data.length, mode);
    yield data;
    yield Buffer.alloc((BLOCK - (data.length % BLOCK)) % BLOCK);
  }
  yield Buffer.alloc(2 * BLOCK);
}

function header(path, size, mode) {
  const block = Buffer.alloc(BLOCK);
  const { prefix, name } = splitPath(path);
  const octal = (value, length) => `${value.toString(8).padStart(length - 1, "0")}\0`;
  block.write(name, 0);
  block.write(octal(mode, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(0, 12), 136);
  block.write("        0", 148);
  block.write("ustar\x0000", 257);
  block.write("root", 265);
  block.write("root", 297);
  block.write(prefix, 345);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

function splitPath(path) {
  if (Buffer.byteLength(path) <= 100) return { prefix: "", name: path };
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (Buffer.byteLength(name) <= 100 && Buffer.byteLength(prefix) <= 155) return { prefix, name };
  }
  throw new Error(`the name is too long for a tar archive: ${path}`);
}
