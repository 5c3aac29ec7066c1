import assert from 'node:assert/strict'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { launchBrowser } from '../support/browser'
import { approve, beginLogin } from '../support/example-login'
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

      it('a new visitor logs in by clicking and approving', async () => {
        await beginLogin(page, example)
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

      it('a visitor can choose a person with the arrow keys and approve with Enter', async () => {
        await beginLogin(page, example)
        await page.keyboard.press('Tab')
        await page.keyboard.press('ArrowDown')
        await page.keyboard.press('Enter')
        await page.getByRole('heading', { name: 'Your account' }).waitFor()
        assert.ok(await page.getByText('jonas@fjordclinic.example').isVisible())
      })

      it('a visitor who denies access is told that they are not logged in', async () => {
        await beginLogin(page, example)
        await page.getByRole('button', { name: 'Deny' }).click()
        assert.match((await page.getByRole('status').textContent()) ?? '', /not approved/)
        await page.goto(`${example.url}/account`)
        assert.ok(await page.getByRole('button', { name: 'Approve access' }).isVisible(), 'the account still requires a login')
      })

      it('two tabs can log in at the same time, and both end on the account page', async () => {
        const other = await newTab()
        await beginLogin(page, example)
        await beginLogin(other, example)
        await approve(page)
        await approve(other)
        assert.equal(other.url(), `${example.url}/account`)
        await page.reload()
        assert.ok(await page.getByRole('heading', { name: 'Your account' }).isVisible())
      })

      it('denying access in one tab does not end the login in another', async () => {
        const other = await newTab()
        await beginLogin(page, example)
        await beginLogin(other, example)
        await other.getByRole('button', { name: 'Deny' }).click()
        await other.getByRole('status').waitFor()
        await approve(page)
      })

      it('the home page shows the login step by step, with the real parameter names and masked secrets', async () => {
        await page.goto(example.url)
        assert.ok(await page.getByRole('heading', { name: 'What will happen' }).isVisible())
        await beginLogin(page, example)
        await approve(page)
        await page.goto(example.url)
        assert.ok(await page.getByRole('heading', { name: 'How you logged in' }).isVisible())
        const story = (await page.locator('.story').textContent()) ?? ''
        const names = version === 'v1' ? ['ResponseType', 'RedirectUri', 'GrantType', 'ClientSecret'] : ['response_type', 'code_challenge', 'grant_type', 'code_verifier']
        for (const name of [`GET /${version}/authorize`, `POST /${version}/token`, ...names]) assert.ok(story.includes(name), name)
        assert.doesNotMatch(story, /code-[\w-]{20}/)
        for (const secretName of [/^client_?secret$/i, /^access_token$/, /^refresh_token$/]) {
          const value = page.locator('.wire div', { has: page.locator('dt', { hasText: secretName }) }).locator('dd')
          assert.equal(await value.textContent(), '…', String(secretName))
        }
      })

      it("the pages show the account's numbers and messages, loaded with the user's access token", async () => {
        await beginLogin(page, example)
        await approve(page)
        await page.getByRole('link', { name: 'Numbers' }).click()
        assert.ok(await page.getByText('Front desk').isVisible())
        await page.getByRole('link', { name: 'Messages' }).click()
        assert.ok(await page.getByText('Your parcel is at the door.').isVisible())
      })

      it('a token can be refreshed on demand, and is refreshed after the sandbox expires it', async () => {
        await beginLogin(page, example)
        await approve(page)
        const tokenID = () => page.locator('dl div', { hasText: 'jti' }).locator('dd').textContent()
        const first = await tokenID()
        await page.getByRole('button', { name: 'Refresh now' }).click()
        await page.getByRole('status').getByText(/^The token was refreshed/).waitFor()
        const second = await tokenID()
        assert.notEqual(second, first)
        await page.getByRole('button', { name: 'Let the sandbox end it' }).click()
        await page.getByRole('status').getByText(/^The sandbox expired the token, and the app refreshed it/).waitFor()
        assert.notEqual(await tokenID(), second)
        await page.getByRole('link', { name: 'Numbers' }).click()
        assert.ok(await page.getByText('Front desk').isVisible())
      })

      it('a notice is shown once, and not again when the page is reloaded or opened directly', async () => {
        await beginLogin(page, example)
        await approve(page)
        await page.getByRole('button', { name: 'Refresh now' }).click()
        await page.getByRole('status').waitFor()
        await page.reload()
        assert.equal(await page.getByRole('status').count(), 0)
        await page.goto(`${example.url}/account?renewed`)
        assert.equal(await page.getByRole('status').count(), 0)
      })

      it('a token is refreshed when the API refuses it before it expires', async () => {
        const other = await newTab()
        await beginLogin(page, example)
        await approve(page)
        const another = await browser.newContext()
        const elsewhere = await another.newPage()
        await beginLogin(elsewhere, example)
        await approve(elsewhere)
        await elsewhere.getByRole('button', { name: 'Let the sandbox end it' }).click()
        await elsewhere.getByRole('status').waitFor()
        await another.close()
        await other.goto(`${example.url}/numbers`)
        assert.ok(await other.getByText('Front desk').isVisible())
        assert.match((await other.getByRole('status').textContent()) ?? '', /the app refreshed it/)
        await other.reload()
        assert.ok(await other.getByText('Front desk').isVisible())
        assert.equal(await other.getByRole('status').count(), 0)
      })

      it('a user who logs out can no longer open the account', async () => {
        await beginLogin(page, example)
        await approve(page)
        await page.getByRole('button', { name: 'Log out' }).click()
        await page.getByRole('link', { name: 'Log in with Twilio' }).waitFor()
        await page.goto(`${example.url}/account`)
        assert.ok(await page.getByRole('button', { name: 'Approve access' }).isVisible(), 'the account requires a login')
      })

      it('a visitor who opens the account returns to it after the login', async () => {
        await page.goto(`${example.url}/account?from=a-bookmark`)
        await approve(page)
        assert.equal(page.url(), `${example.url}/account?from=a-bookmark`)
      })
    })
  }
})
