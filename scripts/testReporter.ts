// What vitest's own reporters leave out, after the summary of its default one: why tests were skipped, and the line
// "N passed, N failed". Dawn's warnings of every driver of Mesa's are dropped.
import { Writable } from "node:stream";
import type { Reporter, TestModule, Vitest } from "vitest/node";
import { withoutMeaningless } from "../src/node/hideWarnings.ts";

export default class TestReporter implements Reporter {
  onInit(vitest: Vitest): void {
    vitest.logger.errorStream = new Errors(vitest.logger.errorStream);
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts = { passed: 0, failed: unhandledErrors.length };
    const reasons = new Map<string, number>();
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === "passed" || result.state === "failed") counts[result.state]++;
        if (result.state === "skipped" && result.note) reasons.set(result.note, (reasons.get(result.note) ?? 0) + 1);
      }
      // A file or a suite that cannot be set up has errors of its own, and its tests never ran.
      for (const suite of [module, ...module.children.allSuites()]) if (suite.errors().length > 0) counts.failed++;
    }
    for (const [reason, count] of reasons) console.log(`${count} skipped: ${reason}`);
    console.log(`${counts.passed} passed, ${counts.failed} failed`);
  }
}

/** What the tests, and Dawn in them, write to standard error, without Dawn's meaningless warnings. */
class Errors extends Writable {
  readonly #target: NodeJS.WritableStream;

  constructor(target: NodeJS.WritableStream) {
    super();
    this.#target = target;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    // Bytes as characters: a chunk may end within one of UTF-8.
    this.#target.write(withoutMeaningless(chunk.toString("latin1")), "latin1");
    done();
  }

  /** Each test file's process ends the stream, as is usual of pipes; the next one goes on with it. */
  override end(): this {
    return this;
  }
}
