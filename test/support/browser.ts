import { chromium, type Browser } from 'playwright-core'
import { findProgram, skipWithout } from './requirements'

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
]

/** A real browser; the tests are skipped where there is none. */
export async function launchBrowser(context: Mocha.Context): Promise<Browser> {
  const executablePath = findProgram('chromium', 'chromium-browser', 'google-chrome')
  if (!executablePath) return skipWithout(context, 'chromium', 'there is no Chromium on this machine (Debian: apt-get install chromium).')
  return chromium.launch({ executablePath, args: ARGUMENTS })
}
