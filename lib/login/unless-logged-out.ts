import { followLogout } from '../request/logout'
import { LoginStateError } from './login-state-error'

/**
 * Finishes a login, which may take seconds. If the session has a person who logs out meanwhile, the login is refused: the logout
 * has ended its session, as if it had come before the callback.
 *
 * @throws {LoginStateError} if the person has logged out, and `login` hasn't failed by itself
 */
export async function unlessLoggedOut<Result>(req: object, login: () => Promise<Result>): Promise<Result> {
  let result: Result
  try {
    result = await login()
  } catch (error) {
    // The session is saved with the error page too. The login's own error says more than one of the session store.
    await followLogout(req).catch(() => undefined)
    throw error
  }
  if (await followLogout(req)) throw new LoginStateError('unknown')
  return result
}
