declare module 'passport-oauth2-refresh' {
  export class AuthTokenRefresh {
    use(strategy: object): void
    requestNewAccessToken(name: string, refreshToken: string, parameters: object, done: (error: unknown, ...values: unknown[]) => void): void
  }
}
