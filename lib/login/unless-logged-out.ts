import { followLogout } from '../request/logout'
import { LoginStateError } from './login-state-error'

/**
 * Runs a step of a login that may take seconds. If a person is logged in to the session and logs out meanwhile, the login is
 * refused, as if the logout had come first.
 *
 * @throws {LoginStateError} if the person has logged out and the step has not failed
 */
export async function unlessLoggedOut<Result>(req: object, step: () => Promise<Result>): Promise<Result> {
  let result: Result
  try {
    result = await step()
  } catch (error) {
    // The session is saved with the error page, which must not undo a logout. The step's own error matters more than one of the session store.
    await followLogout(req).catch(() => undefined)
    throw error
  }
  if (await followLogout(req)) throw new LoginStateError('unknown')
  return result
}
