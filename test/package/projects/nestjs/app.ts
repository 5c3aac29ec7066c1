import 'reflect-metadata'
import { Controller, Get, Module, Req, Res, UseGuards, type MiddlewareConsumer, type NestModule } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { Request, Response } from 'express'
import session from 'express-session'
import passport from 'passport'
import { requireLogin, returnTo } from 'passport-twilio'
import { TwilioGuard, TwilioLogin } from './twilio.js'

@Controller()
class AppController {
  @Get(['auth/twilio', 'auth/twilio/callback'])
  @UseGuards(TwilioGuard)
  logIn(@Req() req: Request, @Res() res: Response) {
    res.redirect(returnTo(req, '/account'))
  }

  @Get('account')
  account(@Req() req: Request) {
    return { ...req.user, expiresAt: req.twilioTokens?.expiresAt }
  }
}

@Module({ controllers: [AppController], providers: [TwilioLogin] })
class AppModule implements NestModule {
  constructor(private readonly login: TwilioLogin) {}

  configure(consumer: MiddlewareConsumer) {
    consumer.apply(requireLogin({ loginPath: '/auth/twilio' }), this.login.tokens.fresh()).forRoutes('account')
  }
}

passport.serializeUser((user, done) => done(null, user))
passport.deserializeUser<Express.User>((user, done) => done(null, user))

const app = await NestFactory.create(AppModule, { logger: false })
app.use(session({ secret: process.env['SESSION_SECRET']!, resave: false, saveUninitialized: false, cookie: { sameSite: 'lax' } }))
app.use(passport.session())
await app.listen(process.env['PORT']!)
