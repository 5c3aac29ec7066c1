/** Lets a test that a mutant makes wait forever fail, which takes less time than starting the test runner again. */
exports.mochaHooks = {
  beforeEach() {
    this.currentTest.timeout(10_000)
  }
}
