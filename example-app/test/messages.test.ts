import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { startTestApp, type TestApp, type Visitor } from './support.ts'

const MESSAGE = { from: '+12025550110', to: '+1 202 555 0199', body: 'See you at nine.' }

describe('numbers and messages', () => {
  let app: TestApp
  let visitor: Visitor
  before(async () => {
    app = await startTestApp()
  })
  after(() => app.stop())
  beforeEach(async () => {
    visitor = await app.logInToAccount()
  })

  /** Makes Twilio's API refuse the next request. */
  function refuse(status: number, code: number, message: string): void {
    app.sandbox.failNext('api', { status, body: JSON.stringify({ status, code, message, more_info: `https://www.twilio.com/docs/errors/${code}` }) })
  }

  it('shows numbers for reading, with what they can do', async () => {
    const { text } = await visitor.get('/numbers').expect(200)
    assert.match(text, /Front desk[\s\S]*\+1 202 555 0110[\s\S]*Calls[\s\S]*Texts/)
  })

  it('sends a message, and says so on the next page', async () => {
    await visitor.post('/messages').type('form').send(MESSAGE).expect(303).expect('Location', '/messages')
    const { text } = await visitor.get('/messages').expect(200)
    assert.match(text, /Your message to \+1 202 555 0199 is on its way/)
    assert.match(text, /See you at nine\.[\s\S]*On its way/)
  })

  it('takes a number without a country code as one of the sender', async () => {
    await visitor.post('/messages').type('form').send({ ...MESSAGE, to: '202 555 0198' }).expect(303)
    await visitor.get('/messages').expect(200, /To <span class="number">\+1 202 555 0198/)
  })

  for (const [field, value, problem] of [
    ['from', '', 'Choose the number to send from.'],
    ['to', '', 'Enter the phone number of the recipient.'],
    ['to', '123', 'This is not a complete phone number.'],
    ['body', ' ', 'Write a message.'],
    ['body', 'a'.repeat(1601), 'The message is too long: it has 1601 characters']
  ] as const) {
    it(`does not send a message with ${value === '' ? 'an empty' : 'a wrong'} ${field} (${value.length} characters), and keeps what was written`, async () => {
      const draft = { ...MESSAGE, to: '+1 202 555 0123', [field]: value }
      const { text } = await visitor.post('/messages').type('form').send(draft).expect(422)
      assert.ok(text.includes(problem))
      if (field !== 'to') assert.ok(text.includes(draft.to))
      if (field !== 'body') assert.ok(text.includes(draft.body))
    })
  }

  it('explains why Twilio did not accept a message', async () => {
    refuse(400, 21610, 'Attempt to send to unsubscribed recipient')
    const { text } = await visitor.post('/messages').type('form').send(MESSAGE).expect(422)
    assert.match(text, /has replied STOP/)
    assert.match(text, /https:\/\/www\.twilio\.com\/docs\/errors\/21610/)
  })

  it("passes on Twilio's own explanation of any other error, as text", async () => {
    refuse(400, 29999, 'The <b>moon</b> is full')
    await visitor.post('/messages').type('form').send(MESSAGE).expect(422, /Twilio did not accept the message: The &lt;b&gt;moon&lt;\/b&gt; is full/)
  })

  it('does not claim to know whether a message was sent if Twilio does not answer', async () => {
    app.sandbox.failNext('api', 'reset')
    await visitor.post('/messages').type('form').send(MESSAGE).expect(503, /may have been sent all the same/)
  })

  it('sends a message once if Twilio has revoked the access token early', async () => {
    app.sandbox.expireAccessTokens()
    await visitor.post('/messages').type('form').send({ ...MESSAGE, body: 'Only once.' }).expect(303)
    const { text } = await visitor.get('/messages').expect(200)
    assert.equal(text.split('Only once.').length - 1, 1)
  })
})
