import { writeFileSync } from "node:fs";

/**
 * Writes how many tests passed, failed and were skipped to the file named by VOXTWIRL_TEST_COUNTS, and prints the
 * reasons of those that were skipped while they ran.
 */
export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    const reasons = new Map();
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state, note } = test.result();
        if (note) reasons.set(note, (reasons.get(note) ?? 0) + 1);
        counts[state === "passed" || state === "failed" ? state : "skipped"]++;
      }
      // A file or a suite that cannot be set up has errors of its own, and its tests never ran.
      for (const suite of [module, ...module.children.allSuites()]) {
        if (suite.errors().length > 0) counts.failed++;
      }
    }
    for (const [reason, count] of reasons) console.log(`${count} skipped: ${reason}`);
    writeFileSync(process.env.VOXTWIRL_TEST_COUNTS, JSON.stringify(counts));
  }
}
