export { default } from '../account/page.js'
