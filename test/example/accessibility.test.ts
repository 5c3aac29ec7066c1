import assert from 'node:assert/strict'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, Page } from 'playwright-core'
import { startSandbox, type Sandbox } from '../../lib/sandbox'
import { launchBrowser } from '../support/browser'
import { approve, beginLogin } from '../support/example-login'
import { ExampleProcess } from '../support/example-process'

const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } }
/** What is left of a desktop at four times its size. */
const NARROWEST = { width: 320, height: 640 }
const COLOURS = ['light', 'dark'] as const

describe('the example app, for everybody', () => {
  let browser: Browser
  let example: ExampleProcess
  /** For what goes wrong at Twilio. */
  let sandbox: Sandbox
  let exampleInTrouble: ExampleProcess
  before(async function () {
    this.timeout(60_000)
    browser = await launchBrowser(this)
    sandbox = await startSandbox({ accountLogins: true })
    const { clientID, clientSecret, url } = sandbox
    example = await ExampleProcess.start()
    exampleInTrouble = await ExampleProcess.start({ TWILIO_CLIENT_ID: clientID, TWILIO_CLIENT_SECRET: clientSecret, TWILIO_BASE_URL: url })
  })
  after(async () => {
    await (browser as Browser | undefined)?.close()
    await (example as ExampleProcess | undefined)?.stop()
    await (exampleInTrouble as ExampleProcess | undefined)?.stop()
    await (sandbox as Sandbox | undefined)?.stop()
  })

  /** Opens every page that there is, one after the other. */
  async function* everyPage(page: Page): AsyncGenerator<string> {
    const opened = async (path: string) => (await page.goto(example.url + path), path)
    yield await opened('/')
    yield await opened('/?login=denied')
    yield await opened('/auth/twilio/callback?code=c&state=s')
    yield await opened('/no-such-page')
    await beginLogin(page, example)
    yield 'the page of the sandbox to approve on'
    const approval = page.url()
    await approve(page)
    await page.getByRole('button', { name: 'Refresh now' }).click()
    await page.getByRole('status').waitFor()
    yield 'the account, with a notice'
    for (const path of ['/', '/numbers', '/messages', '/no-such-page']) yield await opened(path)
    await page.goto(approval)
    yield 'the page of the sandbox for what is decided already'
    await page.goto(exampleInTrouble.url + '/numbers')
    sandbox.failNext('token', 'server error')
    await page.getByRole('button', { name: 'Approve access' }).click()
    await page.getByRole('heading', { name: 'Twilio cannot be reached' }).waitFor()
    yield 'the page for a Twilio in trouble'
  }

  it('has no page with a barrier that axe knows, on a phone and a desktop, light and dark, and none that scrolls sideways, even on the narrowest screen', async function () {
    this.timeout(180_000)
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
    assert.equal(titles.size, 9, 'each page has a title of its own')
    await context.close()
  })

  it('can be used by keyboard alone: skip what repeats, log in, choose who to be, approve', async function () {
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
    for (let stop = 0; stop < 8; stop++) {
      await page.keyboard.press('Tab')
      stops.push(await focused(page))
      assert.ok(await hasOutline(page), `${stops.at(-1) ?? ''} shows that it has the focus`)
    }
    assert.deepEqual(stops, ['Skip to the content', 'passport-twilio example', 'Account', 'Numbers', 'Messages', 'Log out', 'Refresh now', 'Let the sandbox end it'])
    await context.close()
  })

  it('has its landmarks, one first heading, and a story that is told in words without the arrows', async () => {
    const context = await browser.newContext()
    const page = await context.newPage()
    await beginLogin(page, example)
    await approve(page)
    await page.goto(example.url)
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
