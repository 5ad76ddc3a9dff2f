/** The file in which the suite says how it went; an exit code alone would not do. */
import * as v from 'valibot';

/** Name of the environment variable that carries the file's absolute path into the extension host. */
export const RESULTS_VARIABLE = 'CROC_TEST_RESULTS';
/** Name of the environment variable with a part of the titles to run; all, when it is not set. */
export const GREP_VARIABLE = 'CROC_TEST_GREP';

/** Name of the environment variable with the editor's data folder; code-server's is beside its home. */
export const USER_DATA_VARIABLE = 'CROC_TEST_USER_DATA';

const test = v.strictObject({
  title: v.string(),
  state: v.picklist(['passed', 'failed', 'pending']),
  durationMs: v.number(),
  /** What went wrong, with the stack. */
  error: v.optional(v.string()),
});

/** The results file. The three sums have the names of vitest's JSON report. */
export const resultsSchema = v.strictObject({
  numPassedTests: v.number(),
  numFailedTests: v.number(),
  numPendingTests: v.number(),
  /** True once the last test has ended; false in a host that died. */
  finished: v.boolean(),
  /** The test that runs at this moment. */
  running: v.optional(v.string()),
  tests: v.array(test),
});

/** How a suite went, so far or at the end. */
export type Results = v.InferOutput<typeof resultsSchema>;
/** How one test went. */
export type TestResult = v.InferOutput<typeof test>;

/** Sums up tests. */
export function sum(tests: readonly TestResult[], finished: boolean, running?: string): Results {
  const count = (state: TestResult['state']) => tests.filter((one) => one.state === state).length;
  return {
    numPassedTests: count('passed'),
    numFailedTests: count('failed'),
    numPendingTests: count('pending'),
    finished,
    ...(running === undefined ? {} : { running }),
    tests: [...tests],
  };
}
