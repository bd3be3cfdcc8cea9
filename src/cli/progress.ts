/** A line on stderr that says what is being done: rewritten in place on a terminal, elsewhere at most one every ten seconds. */
export function showProgress(stream: NodeJS.WriteStream = process.stderr) {
  let shown = false;
  let last = -Infinity;
  return {
    show(text: string): void {
      if (stream.isTTY) {
        stream.write(`\r\x1b[K${text.slice(0, (stream.columns ?? 80) - 1)}`);
        shown = true;
      } else if (performance.now() - last > 10_000) {
        last = performance.now();
        stream.write(`${text}\n`);
      }
    },
    clear(): void {
      if (shown) stream.write("\r\x1b[K");
      shown = false;
    },
  };
}
