// Every name of what require returns. tsc fails if a line marked with @ts-expect-error has no error.
import TwilioStrategy = require('passport-twilio')
import { Strategy, type VerifyWithParameters } from 'passport-twilio'

const options = { clientID: `OQ${'0'.repeat(32)}`, clientSecret: 'secret', callbackURL: '/callback' }

class Company extends Strategy {
  override name = 'company'
}
class Subsidiary extends TwilioStrategy {
  override name = 'subsidiary'
}

const strategies: Strategy[] = [
  new Strategy(options, async (accessToken, refreshToken, profile) => profile && { id: profile.id }),
  new Strategy({ ...options, passReqToCallback: true }, (req, accessToken, refreshToken, profile, done) => done(null, { id: req.path + accessToken.trim() })),
  new TwilioStrategy.Strategy(options, ((accessToken, refreshToken, params, profile, done) => done(null, profile && { id: profile.id })) satisfies VerifyWithParameters),
  new TwilioStrategy.TwilioStrategy(options, async () => undefined),
  new TwilioStrategy.default(options, async () => undefined),
  new Company(options, async () => undefined),
  new Subsidiary(options, async () => undefined)
]
const names = strategies.map(({ name }) => name).join()
if (names !== 'twilio,twilio,twilio,twilio,twilio,company,subsidiary') throw new Error(names)

export function wrong(): void {
  // @ts-expect-error -- clientId is not clientID
  new Strategy({ ...options, clientId: 'OQ' }, async () => undefined)
  // @ts-expect-error -- verify is missing
  new TwilioStrategy(options)
}
