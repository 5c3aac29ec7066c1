/** Mocha ignores unhandled rejections. With this, the test that is running fails. */
process.on('unhandledRejection', (reason) => {
  throw reason
})
