/** At most so long do timers, input and signals wait for a loop that awaits nothing of the host's. */
const TURN_MS = 50;

/** A function to await in a long loop: now and then it lets the host's other tasks run. */
export function otherTasks(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < TURN_MS) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    last = performance.now();
  };
}
