import { openAdapter } from "../src/node/open.ts";

/** Before all tests: says which adapter they run on. Without any, none of them runs. */
export default async function adapter(): Promise<void> {
  try {
    const { name, notice } = await openAdapter({ hideWarnings: true });
    console.log(`tests run on ${notice ?? name}`);
  } catch (error) {
    // Reporters are not asked then.
    process.once("exit", () => console.log("0 passed, 1 failed"));
    throw error;
  }
}
