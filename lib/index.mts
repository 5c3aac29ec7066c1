export * from './index.js'
export { TwilioStrategy as default } from './index.js'
