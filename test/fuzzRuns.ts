/** Inputs a fuzz test tries: 2,000, or what `npm run test:full` asks for. */
export const FUZZ_RUNS = Number(process.env.VOXTWIRL_FUZZ ?? 2000);

/** Runs `body` and throws when it allocated more than a small constant times `size`, a text's or a file's. */
export function boundedMemory<T>(size: number, body: () => T): T {
  const check = memoryCheck(size);
  try {
    return body();
  } finally {
    check();
  }
}

/** The same of what goes on for a while. */
export async function boundedMemoryOf<T>(size: number, body: () => Promise<T>): Promise<T> {
  const check = memoryCheck(size);
  try {
    return await body();
  } finally {
    check();
  }
}

function memoryCheck(size: number): () => void {
  const before = process.memoryUsage();
  return () => {
    const after = process.memoryUsage();
    // A collection in between only lowers the numbers; the constants are for strings, errors and the test itself.
    const heap = after.heapUsed - before.heapUsed;
    const arrays = after.arrayBuffers - before.arrayBuffers;
    if (heap > 4 * 2 ** 20 + 1000 * size || arrays > 2 ** 16 + 100 * size) {
      throw new Error(`an input of ${size} took ${heap} bytes of heap and ${arrays} of arrays`);
    }
  };
}
