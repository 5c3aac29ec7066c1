/** Tests that take longer than the others. */
const SLOW = /at most 250|10,000 used logins/

/** Fails a test that waits forever because of a mutant, which takes less time than starting the test runner again. */
exports.mochaHooks = {
  beforeEach() {
    this.currentTest.timeout(SLOW.test(this.currentTest.fullTitle()) ? 15_000 : 4000)
  }
}
