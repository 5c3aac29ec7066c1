// What is used of jose. The build makes one CommonJS file of it: jose itself comes as ES modules only,
// which Jest's CommonJS cannot load, and apps are to be tested with this package in it.
export { compactVerify, createLocalJWKSet, createRemoteJWKSet, customFetch } from 'jose'
