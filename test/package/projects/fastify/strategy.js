import { TwilioStrategy } from 'passport-twilio'

export const strategy = new TwilioStrategy(
  {
    clientID: process.env.TWILIO_CLIENT_ID,
    clientSecret: process.env.TWILIO_CLIENT_SECRET,
    baseURL: process.env.TWILIO_BASE_URL,
    callbackURL: process.env.TWILIO_CALLBACK_URL
  },
  async (accessToken, refreshToken, profile) => ({ id: profile.id, name: profile.displayName })
)
