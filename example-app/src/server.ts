import { CALLBACK_PATH } from './app.ts'
import { readConfig } from './config.ts'
import { describeTwilio, giveUp, startApp } from './start.ts'

try {
  const config = readConfig(process.env)
  const baseURL = await startApp(config)
  const redirectURI = baseURL + CALLBACK_PATH
  console.log(`Logging in with ${describeTwilio(config)}.`)
  if (config.credentials) console.log(`The OAuth app needs this redirect URI: ${redirectURI}`)
  else console.log(`To log in with Twilio itself, set TWILIO_CLIENT_ID and TWILIO_CLIENT_SECRET. The OAuth app needs this redirect URI: ${redirectURI}`)
  console.log(`Open ${baseURL}`)
} catch (error) {
  giveUp(error)
}
