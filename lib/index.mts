// The types of the ES module; the build writes what it runs.
export * from './index.js'
export { TwilioStrategy as default } from './index.js'
