// Takes the README's screenshots of the example app: docs/screenshots/*.png. They stay the same, byte for byte, until the app
// looks different: the person is always the same, the font is bundled, and values that change with each run are replaced.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, relative } from 'node:path'
import { chromium } from 'playwright-core'

const root = join(import.meta.dirname, '..')
const folder = join(root, 'docs/screenshots')
const require = createRequire(import.meta.url)
const font = readFileSync(require.resolve('@fontsource-variable/inter/files/inter-latin-wght-normal.woff2')).toString('base64')
const STYLE = `
  @font-face { font-family: Inter; font-weight: 100 900; src: url(data:font/woff2;base64,${font}) }
  :root { font-family: Inter, sans-serif !important }
`
/** Values that change with each run, and what the screenshots show instead. */
const REPLACEMENTS = [
  [/localhost:\d+/g, 'localhost:3000'],
  [/OQ[0-9a-f]{32}/g, 'OQ5f1d7a3c9e2b4860a1c3e5f70819a2b4'],
  [/\d+ \w{3} \d{4}, \d\d:\d\d/g, '4 Dec 2026, 09:41']
]
/** The first characters of secrets, by parameter name. */
const SECRETS = { state: 'Hq7x…', request: '3f9a…' }

const DESKTOP = { viewport: { width: 1080, height: 680 }, deviceScaleFactor: 1.5 }
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 }

const example = spawn(process.execPath, ['--import', 'tsx', 'src/server.ts'], {
  cwd: join(root, 'example-app'),
  env: { PATH: process.env.PATH, PORT: '0' },
  stdio: ['ignore', 'pipe', 'inherit']
})
const browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox', '--disable-gpu', '--force-color-profile=srgb', '--font-render-hinting=none'] })
try {
  const url = await addressOf(example)
  mkdirSync(folder, { recursive: true })
  await take('home', DESKTOP, (page) => page.goto(url))
  await take('consent', { viewport: { width: 720, height: 980 }, deviceScaleFactor: 1.2 }, (page) => page.goto(`${url}/auth/twilio`))
  await take('login-story', { ...DESKTOP, deviceScaleFactor: 1.2 }, (page) => openLoggedIn(page, url, '/how-it-works'), '.story')
  await take('account', DESKTOP, (page) => openLoggedIn(page, url, '/account'))
  await take('phone', PHONE, (page) => openLoggedIn(page, url, '/messages'))
  await take('dark', { ...DESKTOP, colorScheme: 'dark' }, (page) => openLoggedIn(page, url, '/numbers'))
} finally {
  await browser.close()
  example.kill()
}

async function take(name, options, open, part = 'body') {
  const context = await browser.newContext({ colorScheme: 'light', bypassCSP: true, ...options })
  const page = await context.newPage()
  await open(page)
  await page.addStyleTag({ content: STYLE })
  await page.evaluate(replaceValues, { replacements: REPLACEMENTS.map(([pattern, text]) => [pattern.source, text]), secrets: SECRETS })
  await page.evaluate('document.fonts.ready')
  const path = join(folder, `${name}.png`)
  if (part === 'body') await page.screenshot({ path, animations: 'disabled' })
  else await page.locator(part).screenshot({ path, animations: 'disabled' })
  process.stdout.write(`${relative(root, path)}\n`)
  await context.close()
}

async function openLoggedIn(page, url, path) {
  await page.goto(`${url}/auth/twilio`)
  await page.getByLabel('Amara Okafor').check()
  await page.getByRole('button', { name: 'Approve access' }).click()
  await page.getByRole('link', { name: 'Choose an account' }).click()
  await page.getByRole('button', { name: 'Okafor Couriers' }).click()
  await page.getByRole('heading', { name: 'Phone numbers' }).waitFor()
  await page.goto(url + path)
}

/** Runs in the page. */
function replaceValues({ replacements, secrets }) {
  const { document, NodeFilter } = globalThis
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    for (const [pattern, text] of replacements) walker.currentNode.data = walker.currentNode.data.replace(new RegExp(pattern, 'g'), text)
  }
  for (const name of document.querySelectorAll('.wire dt code')) {
    const secret = secrets[name.textContent.toLowerCase()]
    if (secret) name.closest('div').querySelector('dd code').textContent = secret
  }
}

async function addressOf({ stdout }) {
  for (let output = ''; ; ) {
    const [chunk] = await once(stdout, 'data')
    output += chunk
    const [, url] = /Open (http:\S+)/.exec(output) ?? []
    if (url) return url
  }
}

function findChromium() {
  const path = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((program) => existsSync(program))
  if (!path) throw new Error('There is no Chromium on this machine (Debian: apt-get install chromium).')
  return path
}
