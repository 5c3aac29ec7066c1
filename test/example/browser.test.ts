import assert from 'node:assert/strict'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { launchBrowser } from '../support/browser'
import { approve, beginLogin, chooseAccount, openMenu } from '../support/example-login'
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
      afterEach(async () => {
        await context.close()
        // Chromium reports each response of 400 and above, and some tests expect one.
        assert.deepEqual(problems.filter((problem) => !problem.includes('the server responded with a status of 4')), [])
      })

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
        assert.match((await page.getByRole('status').textContent()) ?? '', /You are logged in/)
        await page.getByText('Technical details').click()
        assert.match((await page.locator('#token-life-text').textContent()) ?? '', /left\.$/)
        const bar = page.getByRole('progressbar')
        assert.ok(Number(await bar.getAttribute('value')) > 0)
        await page.goto(example.url)
        assert.ok(await page.getByRole('heading', { name: 'Hello, Jonas Lindqvist' }).isVisible())
      })

      it('a visitor can choose a person with the arrow keys and approve with Enter', async () => {
        await beginLogin(page, example)
        await page.keyboard.press('Tab')
        await page.keyboard.press('ArrowDown')
        await page.keyboard.press('Enter')
        await page.getByRole('heading', { name: 'Your account' }).waitFor()
        assert.ok(await page.getByText('jonas@fjordclinic.example').isVisible())
      })

      it('tells a visitor who denies access that they are not logged in', async () => {
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

      it('a page shows the login step by step, with the real parameter names and masked secrets', async () => {
        await page.goto(example.url)
        await page.getByRole('link', { name: 'See how it works' }).click()
        await page.getByRole('heading', { name: 'What happens when you log in' }).waitFor()
        await beginLogin(page, example)
        await approve(page)
        await page.getByRole('link', { name: 'How the login works' }).click()
        await page.getByRole('heading', { name: 'How you logged in' }).waitFor()
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
        await chooseAccount(page)
        await page.getByText('Front desk').waitFor()
        await page.getByRole('link', { name: 'Messages' }).click()
        await page.getByText('Your parcel is at the door.').waitFor()
      })

      it('a token can be refreshed on demand, and is refreshed after the sandbox expires it', async () => {
        await beginLogin(page, example)
        await approve(page)
        await page.getByText('Technical details').click()
        const tokenID = () => page.locator('dl div', { hasText: 'jti' }).locator('dd').textContent()
        const first = await tokenID()
        await page.getByRole('button', { name: 'Refresh the token' }).click()
        await page.getByRole('status').getByText(/^The token was refreshed/).waitFor()
        const second = await tokenID()
        assert.notEqual(second, first)
        await page.getByRole('button', { name: 'Expire it in the sandbox' }).click()
        await page.getByRole('status').getByText(/^The sandbox expired the token, and the app refreshed it/).waitFor()
        assert.notEqual(await tokenID(), second)
        await chooseAccount(page)
      })

      it('a notice is shown once, and not again when the page is reloaded or opened directly', async () => {
        await beginLogin(page, example)
        await approve(page)
        await page.getByRole('status').waitFor()
        await page.reload()
        assert.equal(await page.getByRole('status').count(), 0)
        await page.goto(`${example.url}/account?technical`)
        assert.equal(await page.getByRole('status').count(), 0)
      })

      it('a token is refreshed when the API refuses it before it expires', async () => {
        const other = await newTab()
        await beginLogin(page, example)
        await approve(page)
        await chooseAccount(page)
        const another = await browser.newContext()
        const elsewhere = await another.newPage()
        await beginLogin(elsewhere, example)
        await approve(elsewhere)
        await elsewhere.getByText('Technical details').click()
        await elsewhere.getByRole('button', { name: 'Expire it in the sandbox' }).click()
        await elsewhere.getByRole('status').getByText(/^The sandbox expired/).waitFor()
        await another.close()
        await other.goto(`${example.url}/numbers`)
        assert.ok(await other.getByText('Front desk').isVisible())
      })

      it('a user who logs out can no longer open the account', async () => {
        await beginLogin(page, example)
        await approve(page)
        await openMenu(page)
        await page.getByRole('banner').getByRole('button', { name: 'Log out' }).click()
        await page.getByRole('link', { name: 'Log in with Twilio' }).waitFor()
        assert.match((await page.getByRole('status').textContent()) ?? '', /You are logged out/)
        await page.goto(`${example.url}/account`)
        assert.ok(await page.getByRole('button', { name: 'Approve access' }).isVisible(), 'the account requires a login')
      })

      it('a notice can be dismissed, with and without scripts', async () => {
        for (const javaScriptEnabled of [true, false]) {
          const visitor = await browser.newContext({ javaScriptEnabled })
          const tab = await visitor.newPage()
          await beginLogin(tab, example)
          await approve(tab)
          await tab.getByRole('link', { name: 'Dismiss' }).click()
          await tab.getByRole('status').waitFor({ state: 'detached' })
          assert.equal(tab.url(), `${example.url}/account`)
          await visitor.close()
        }
      })

      it('lets a user send a message from one of the numbers, and says what is wrong with it first', async () => {
        await beginLogin(page, example)
        await approve(page)
        await chooseAccount(page)
        await page.getByRole('link', { name: 'Send a message from +1 202 555 0111' }).click()
        await page.getByLabel('From').waitFor()
        assert.equal(await page.getByLabel('From').inputValue(), '+12025550111')
        await page.getByLabel('To', { exact: true }).fill('12')
        await page.getByLabel('Message').fill('See you at nine.')
        await page.getByRole('button', { name: 'Send' }).click()
        await page.getByRole('alert').waitFor()
        assert.equal(await page.evaluate('document.activeElement.id'), 'to', 'the field to correct has the focus')
        await page.getByLabel('To', { exact: true }).fill('+1 (202) 555-0144')
        await page.getByRole('button', { name: 'Send' }).click()
        await page.getByRole('status').getByText('Your message to +1 202 555 0144 is on its way.').waitFor()
        assert.ok(await page.getByText('See you at nine.').isVisible())
      })

      it('a user chooses one of the accounts of the organization, sees its name everywhere, and can switch it', async () => {
        await page.goto(`${example.url}/messages`)
        await page.getByRole('button', { name: 'Approve access' }).click()
        await page.getByRole('button', { name: 'Fjord Clinic' }).click()
        await page.getByRole('heading', { name: 'Messages' }).waitFor()
        assert.match((await page.getByRole('status').textContent()) ?? '', /You are now working in Fjord Clinic/)
        await openMenu(page)
        await page.getByRole('banner').getByText('Working in Fjord Clinic').waitFor()
        await page.getByRole('link', { name: 'Switch account' }).click()
        await page.getByRole('button', { name: 'Zhào Books' }).click()
        await page.getByRole('status').getByText('You are now working in Zhào Books.').waitFor()
      })

      it('a SID can be copied', async () => {
        await context.grantPermissions(['clipboard-read', 'clipboard-write'])
        await beginLogin(page, example)
        await approve(page)
        await chooseAccount(page)
        await page.goto(`${example.url}/account`)
        await page.getByRole('button', { name: 'Copy the account SID' }).click()
        await page.getByText('Copied').first().waitFor()
        assert.equal(await page.evaluate('navigator.clipboard.readText()'), 'AC1f0e2d3c4b5a69788796a5b4c3d2e1f0')
      })

      it('the menu closes on Escape and on a click elsewhere', async () => {
        await beginLogin(page, example)
        await approve(page)
        const item = page.getByRole('banner').getByRole('link', { name: 'Account', exact: true })
        for (const close of [() => page.keyboard.press('Escape'), () => page.getByRole('heading', { level: 1 }).click()]) {
          await openMenu(page)
          await item.waitFor()
          await close()
          await item.waitFor({ state: 'hidden' })
        }
      })

      it('a visitor who opens the account returns to it after the login', async () => {
        await page.goto(`${example.url}/account?from=a-bookmark`)
        await approve(page)
        assert.equal(page.url(), `${example.url}/account?from=a-bookmark`)
      })
    })
  }

  it("times are shown in the reader's time zone", async () => {
    const example = await ExampleProcess.start()
    for (const [timezoneId, hours] of [['UTC', 0], ['Asia/Tokyo', 9]] as const) {
      const context = await browser.newContext({ timezoneId })
      const page = await context.newPage()
      await beginLogin(page, example)
      await approve(page)
      const time = page.locator('time')
      const date = new Date((await time.getAttribute('datetime')) ?? '')
      const local = new Date(date.getTime() + hours * 3600_000).toISOString().slice(11, 16)
      assert.ok((await time.textContent())?.endsWith(local))
      await context.close()
    }
    await example.stop()
  })
})
