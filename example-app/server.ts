import { readConfig } from './config.ts'
import { describeTwilio, giveUp, startApp } from './start.ts'

try {
  const config = readConfig(process.env)
  const baseURL = await startApp(config)
  console.log(`Logging in with ${describeTwilio(config)}. Open ${baseURL}`)
} catch (error) {
  giveUp(error)
}
