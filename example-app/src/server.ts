import { CALLBACK_PATH } from './app.ts'
import { readConfig } from './config.ts'
import { describeTwilio, giveUp, startApp } from './start.ts'

try {
  const config = readConfig(process.env)
  const baseURL = await startApp(config)
  console.log(`Logging in with ${describeTwilio(config)}.`)
  console.log(`${config.credentials ? 'The' : 'For Twilio itself, set it and TWILIO_CLIENT_SECRET; the'} redirect address of the OAuth app is ${baseURL}${CALLBACK_PATH}`)
  console.log(`Open ${baseURL}`)
} catch (error) {
  giveUp(error)
}
