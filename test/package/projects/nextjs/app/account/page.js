import { connection } from 'next/server'
import { currentRequest } from '../../request.mjs'

export default async function Account() {
  await connection() // renders the page for each request, not at build time
  const { user, twilioTokens } = currentRequest()
  return <p>{JSON.stringify({ id: user.id, expiresAt: twilioTokens.expiresAt })}</p>
}
