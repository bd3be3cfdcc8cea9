import { writeFileSync } from "node:fs";

/** Writes how many tests passed, failed and were skipped to the file named by VOXTWIRL_TEST_COUNTS. */
export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        counts[state === "passed" || state === "failed" ? state : "skipped"]++;
      }
      // A file or a suite that cannot be set up has errors of its own, and its tests never ran.
      for (const suite of [module, ...module.children.allSuites()]) {
        if (suite.errors().length > 0) counts.failed++;
      }
    }
    writeFileSync(process.env.VOXTWIRL_TEST_COUNTS, JSON.stringify(counts));
  }
}
