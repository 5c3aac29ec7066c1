import assert from 'node:assert/strict'
import { AxeBuilder } from '@axe-core/playwright'
import { HtmlValidate, StaticConfigLoader } from 'html-validate'
import type { Browser, Page, Response } from 'playwright-core'
import { startSandbox, type Sandbox } from '../../lib/sandbox'
import { launchBrowser } from '../support/browser'
import { approve, beginLogin, chooseAccount, openMenu } from '../support/example-login'
import { ExampleProcess } from '../support/example-process'

const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } }
/** The width that is left of a desktop at 400 % zoom (WCAG 1.4.10). */
const NARROWEST = { width: 320, height: 640 }
const COLOURS = ['light', 'dark'] as const

/** Google's threshold for a good page is 0.1. */
const MAX_LAYOUT_SHIFT = 0.01
const html = new HtmlValidate(new StaticConfigLoader({ extends: ['html-validate:standard', 'html-validate:a11y'] }))

describe('the pages of the example app', () => {
  let browser: Browser
  let example: ExampleProcess
  /** For the page that is shown if Twilio fails. */
  let sandbox: Sandbox
  let exampleOfFailure: ExampleProcess
  before(async function () {
    this.timeout(60_000)
    browser = await launchBrowser(this)
    sandbox = await startSandbox({ accountLogins: true })
    const { clientID, clientSecret, url } = sandbox
    example = await ExampleProcess.start()
    exampleOfFailure = await ExampleProcess.start({ TWILIO_CLIENT_ID: clientID, TWILIO_CLIENT_SECRET: clientSecret, TWILIO_BASE_URL: url })
  })
  after(async () => {
    await (browser as Browser | undefined)?.close()
    await (example as ExampleProcess | undefined)?.stop()
    await (exampleOfFailure as ExampleProcess | undefined)?.stop()
    await (sandbox as Sandbox | undefined)?.stop()
  })

  /** Opens every page, one after the other, and gives its name. */
  async function* everyPage(page: Page): AsyncGenerator<string> {
    const opened = async (path: string) => (await page.goto(example.url + path), path)
    yield await opened('/')
    yield await opened('/how-it-works')
    yield await opened('/?login=denied')
    yield await opened('/auth/twilio/callback?code=c&state=s')
    yield await opened('/no-such-page')
    await beginLogin(page, example)
    yield "the sandbox's consent page"
    const consentPage = page.url()
    await approve(page)
    yield 'the account after the login'
    await openMenu(page)
    yield 'the account with the menu open'
    await page.goto(`${example.url}/account?technical`)
    await page.getByRole('button', { name: 'Refresh the token' }).click()
    await page.getByRole('status').waitFor()
    yield 'the account with the technical details'
    yield await opened('/accounts')
    await page.goto(`${example.url}/account`)
    await chooseAccount(page)
    yield 'the numbers after an account was chosen'
    await openMenu(page)
    yield 'the numbers with the menu open, which names the account'
    for (const path of ['/', '/how-it-works', '/account', '/accounts', '/numbers', '/messages', '/messages/new', '/no-such-page']) yield await opened(path)
    await page.goto(`${example.url}/messages/new`)
    await page.getByLabel('To', { exact: true }).fill('12')
    await page.getByLabel('Message').fill('Hello!')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByRole('alert').waitFor()
    yield 'the form with a mistake'
    await page.getByLabel('To', { exact: true }).fill('+1 202 555 0123')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByRole('status').waitFor()
    yield 'the messages after one was sent'
    await openMenu(page)
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByRole('status').waitFor()
    yield 'the home page after the logout'
    await page.goto(consentPage)
    yield "the sandbox's page for a login that is already decided"
    await page.goto(exampleOfFailure.url + '/numbers')
    sandbox.failNext('token', 'server error')
    await page.getByRole('button', { name: 'Approve access' }).click()
    await page.getByRole('heading', { name: 'Twilio cannot be reached' }).waitFor()
    yield 'the page for a failure at Twilio'
    await emptyPages(page)
    yield 'the numbers of an account without any'
    await page.getByRole('link', { name: 'Messages' }).click()
    await page.getByRole('heading', { name: 'There are no messages yet' }).waitFor()
    yield 'the messages of an account without any'
  }

  /** Opens the numbers of an account that has none. */
  async function emptyPages(page: Page): Promise<void> {
    const empty = (name: string) => ({ status: 200, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ [name]: [], page: 0, page_size: 50, next_page_uri: null }) })
    await page.goto(exampleOfFailure.url + '/account')
    await approve(page)
    sandbox.failNext('api', empty('incoming_phone_numbers'))
    await page.goto(exampleOfFailure.url + '/numbers')
    sandbox.failNext('api', empty('messages'))
  }

  it('have no accessibility problem that axe finds, on a phone and a desktop, light and dark, and never scroll sideways', async function () {
    this.timeout(300_000)
    const context = await browser.newContext()
    const page = await context.newPage()
    const titles = new Set<string>()
    for await (const name of everyPage(page)) {
      titles.add(await page.title())
      for (const [size, viewport] of Object.entries(SIZES)) {
        await page.setViewportSize(viewport)
        assert.ok(await fits(page), `${name} scrolls sideways on a ${size}`)
        for (const colorScheme of COLOURS) {
          await page.emulateMedia({ colorScheme })
          const { violations } = await new AxeBuilder({ page }).analyze()
          const barriers = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`)
          assert.deepEqual(barriers, [], `${name} has barriers on a ${size}, ${colorScheme}`)
        }
      }
      await page.setViewportSize(NARROWEST)
      assert.ok(await fits(page), `${name} scrolls sideways on the narrowest screen`)
    }
    assert.equal(titles.size, 13, 'each page has a title of its own')
    await context.close()
  })

  for (const [size, viewport] of Object.entries(SIZES)) {
    it(`are valid HTML, report no error in the console, and do not move while they load on a ${size}`, async function () {
      this.timeout(180_000)
      const context = await browser.newContext({ viewport })
      const page = await context.newPage()
      const errors: string[] = []
      let latest: Response | undefined
      page.on('pageerror', (error) => errors.push(error.message))
      // Chromium reports each response of 400 and above, which error pages are.
      page.on('console', (message) => message.type() === 'error' && !/the server responded with a status of [45]/.test(message.text()) && errors.push(message.text()))
      page.on('response', (response) => {
        if (response.frame() === page.mainFrame() && response.request().isNavigationRequest() && response.status() !== 302 && response.status() !== 303) latest = response
      })
      for await (const name of everyPage(page)) {
        await page.waitForLoadState()
        assert.deepEqual(errors, [], name)
        assert.ok((await layoutShift(page)) < MAX_LAYOUT_SHIFT, `${name} moves by ${await layoutShift(page)} while it loads`)
        if (!latest?.url().startsWith('http://localhost')) continue
        const { results } = await html.validateString(await latest.text())
        assert.deepEqual(results.flatMap(({ messages }) => messages.map(({ line, ruleId, message }) => `line ${line}: ${ruleId}: ${message}`)), [], `${name} is not valid`)
      }
      await context.close()
    })
  }

  it('can be used with the keyboard alone: skip the navigation, log in, choose a person, approve, open the menu', async function () {
    this.timeout(60_000)
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.goto(example.url)
    await page.keyboard.press('Tab')
    const skip = page.getByRole('link', { name: 'Skip to the content' })
    assert.equal(await focused(page), await skip.textContent())
    assert.ok(((await skip.boundingBox())?.x ?? -1) >= 0, 'the first stop is seen once it is reached')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    assert.equal(await focused(page), 'Log in with Twilio')
    assert.ok(await hasOutline(page))
    await page.keyboard.press('Enter')

    await page.getByRole('button', { name: 'Approve access' }).waitFor()
    await page.keyboard.press('Tab')
    await page.keyboard.press('ArrowDown')
    assert.ok(await page.getByLabel('Jonas Lindqvist').isChecked())
    await page.keyboard.press('Tab')
    assert.equal(await focused(page), 'Approve access')
    assert.ok(await hasOutline(page))
    await page.keyboard.press('Tab')
    assert.equal(await focused(page), 'Deny')
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.press('Enter')

    await page.getByRole('heading', { name: 'Your account' }).waitFor()
    assert.ok(await page.getByText('jonas@fjordclinic.example').isVisible())
    const stops: string[] = []
    for (let stop = 0; stop < 10; stop++) {
      await page.keyboard.press('Tab')
      stops.push(await focused(page))
      assert.ok(await hasOutline(page), `${stops.at(-1) ?? ''} shows that it has the focus`)
    }
    assert.deepEqual(stops, ['Skip to the content', 'Switchboard', 'Numbers', 'Messages', 'JLJonas Lindqvist', '×', 'Copy', 'Choose an account', 'Copy', 'Log out'])
    for (let stop = 0; stop < 5; stop++) await page.keyboard.press('Shift+Tab')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    assert.equal(await focused(page), 'Account')
    await page.keyboard.press('Tab')
    assert.equal(await focused(page), 'Switch account')
    await page.keyboard.press('Tab')
    assert.equal(await focused(page), 'Log out')
    await page.keyboard.press('Escape')
    assert.equal(await focused(page), 'JLJonas Lindqvist')
    await context.close()
  })

  it('have landmarks, one first heading, and a description of the login that does not need its arrows', async () => {
    const context = await browser.newContext()
    const page = await context.newPage()
    await beginLogin(page, example)
    await approve(page)
    await page.goto(`${example.url}/how-it-works`)
    for (const landmark of ['banner', 'navigation', 'main', 'contentinfo'] as const) assert.equal(await page.getByRole(landmark).count(), 1, landmark)
    assert.equal(await page.getByRole('heading', { level: 1 }).count(), 1)
    assert.equal(await page.locator('html').getAttribute('lang'), 'en')
    const told = await page.getByRole('region', { name: 'How you logged in, step by step' }).ariaSnapshot()
    assert.match(told, /Your browser to Twilio[\s\S]*heading "You sign in, and approve" \[level=3\][\s\S]*This app to Twilio[\s\S]*POST \/v1\/token[\s\S]*ClientSecret/)
    await context.close()
  })
})

function fits(page: Page): Promise<boolean> {
  return page.evaluate<boolean>('document.documentElement.scrollWidth <= window.innerWidth')
}

function focused(page: Page): Promise<string> {
  return page.evaluate<string>('document.activeElement.textContent.trim()')
}

function hasOutline(page: Page): Promise<boolean> {
  return page.evaluate<boolean>("getComputedStyle(document.activeElement).outlineStyle === 'solid'")
}

/** How much of the page has moved by itself since it was opened (Cumulative Layout Shift). */
function layoutShift(page: Page): Promise<number> {
  return page.evaluate<number>(`new Promise((resolve) => {
    let total = 0
    const add = (entries) => {
      for (const { value, hadRecentInput } of entries) if (!hadRecentInput) total += value
    }
    const observer = new PerformanceObserver((list) => add(list.getEntries()))
    observer.observe({ type: 'layout-shift', buffered: true })
    requestAnimationFrame(() => requestAnimationFrame(() => {
      add(observer.takeRecords())
      resolve(total)
    }))
  })`)
}
