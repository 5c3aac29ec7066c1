import { promisify } from 'node:util'
import { Injectable, type ExecutionContext } from '@nestjs/common'
import { AuthGuard, PassportStrategy } from '@nestjs/passport'
import type { Request, Response } from 'express'
import { SessionTokens, TwilioStrategy, type TokenParameters, type TwilioProfile } from 'passport-twilio'

@Injectable()
export class TwilioLogin extends PassportStrategy(TwilioStrategy) {
  readonly tokens = new SessionTokens(this)

  constructor() {
    super({
      clientID: process.env['TWILIO_CLIENT_ID']!,
      clientSecret: process.env['TWILIO_CLIENT_SECRET']!,
      baseURL: process.env['TWILIO_BASE_URL'],
      callbackURL: process.env['TWILIO_CALLBACK_URL']!
    })
  }

  validate(accessToken: string, refreshToken: string | undefined, params: TokenParameters, profile: TwilioProfile | undefined) {
    return profile && { id: profile.id, name: profile.displayName }
  }
}

/** Begins the login, and ends it at the callback, with the tokens in the session. */
@Injectable()
export class TwilioGuard extends AuthGuard('twilio') {
  constructor(private readonly login: TwilioLogin) {
    super()
  }

  override async canActivate(context: ExecutionContext) {
    await super.canActivate(context)
    const http = context.switchToHttp()
    const req = http.getRequest<Request>()
    await super.logIn(req)
    await promisify(this.login.tokens.keep())(req, http.getResponse<Response>())
    return true
  }
}
