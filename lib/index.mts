// `import … from 'passport-twilio'`: the named exports, and the constructor as the default.
export * from './index.js'
export { TwilioStrategy as default } from './index.js'
