import assert from 'node:assert/strict'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { launchBrowser } from '../support/browser'
import { ExampleProcess } from '../support/example-process'

describe('the example app in a browser', () => {
  let browser: Browser
  before(async function () {
    browser = await launchBrowser(this)
  })
  after(async () => {
    await (browser as Browser | undefined)?.close()
  })

  for (const version of ['v1', 'v2']) {
    describe(`with Twilio's OAuth ${version}`, () => {
      let example: ExampleProcess
      let context: BrowserContext
      let page: Page
      let problems: string[]

      before(async () => {
        example = await ExampleProcess.start({ TWILIO_API_VERSION: version })
      })
      after(() => example.stop())

      beforeEach(async () => {
        problems = []
        context = await browser.newContext()
        page = await newTab()
      })
      afterEach(() => context.close())

      async function newTab(): Promise<Page> {
        const tab = await context.newPage()
        tab.on('pageerror', (error) => problems.push(error.message))
        tab.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
        return tab
      }

      async function beginLogin(tab: Page): Promise<void> {
        await tab.goto(example.url)
        await tab.getByRole('link', { name: 'Log in with Twilio' }).click()
        await tab.getByRole('button', { name: 'Approve access' }).waitFor()
      }

      async function approve(tab: Page): Promise<void> {
        await tab.getByRole('button', { name: 'Approve access' }).click()
        await tab.getByRole('heading', { name: 'Your account' }).waitFor()
      }

      it('a newcomer clicks, approves, and is in', async () => {
        await beginLogin(page)
        await page.getByLabel('Jonas Lindqvist').check()
        await approve(page)
        assert.equal(page.url(), `${example.url}/account`)
        assert.ok(await page.getByText('jonas@fjordclinic.example').isVisible())
        assert.match((await page.locator('#token-life-text').textContent()) ?? '', /left\.$/)
        const bar = page.getByRole('progressbar')
        assert.ok(Number(await bar.getAttribute('value')) > 0)
        await page.goto(example.url)
        assert.ok(await page.getByRole('heading', { name: 'Hello, Jonas Lindqvist' }).isVisible())
        assert.deepEqual(problems, [])
      })

      it('whoever denies is told that nobody was logged in', async () => {
        await beginLogin(page)
        await page.getByRole('button', { name: 'Deny' }).click()
        assert.match((await page.getByRole('status').textContent()) ?? '', /not approved/)
        await page.goto(`${example.url}/account`)
        assert.ok(await page.getByRole('button', { name: 'Approve access' }).isVisible(), 'the account stays closed')
      })

      it('of two tabs that log in, the first to finish is in, and the late one lands on the page too', async () => {
        const other = await newTab()
        await beginLogin(page)
        await beginLogin(other)
        await approve(page)
        await approve(other)
        assert.equal(other.url(), `${example.url}/account`)
        await page.reload()
        assert.ok(await page.getByRole('heading', { name: 'Your account' }).isVisible())
      })

      it('a second tab that is denied does not end the login of the first', async () => {
        const other = await newTab()
        await beginLogin(page)
        await beginLogin(other)
        await other.getByRole('button', { name: 'Deny' }).click()
        await other.getByRole('status').waitFor()
        await approve(page)
      })

      it('whoever logs out is out', async () => {
        await beginLogin(page)
        await approve(page)
        await page.getByRole('button', { name: 'Log out' }).click()
        await page.getByRole('link', { name: 'Log in with Twilio' }).waitFor()
        await page.goto(`${example.url}/account`)
        assert.ok(await page.getByRole('button', { name: 'Approve access' }).isVisible(), 'the account is closed')
      })

      it('a stranger who opens the account comes back to it after the login', async () => {
        await page.goto(`${example.url}/account?from=a-bookmark`)
        await approve(page)
        assert.equal(page.url(), `${example.url}/account?from=a-bookmark`)
      })
    })
  }
})
