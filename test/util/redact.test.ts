import assert from 'node:assert/strict'
import { redact, redactURL } from '../../lib/util/redact'

describe('text from outside, in an error', () => {
  it('hides every secret that was sent, wherever and however often it stands', () => {
    assert.equal(redact('a s3cret, s3cret; t0ken', ['s3cret', undefined, '', 't0ken']), 'a [hidden], [hidden]; [hidden]')
    assert.equal(redact('a+b a.b', ['a.b']), 'a+b [hidden]', 'letter by letter, not as a pattern')
  })

  it('hides a secret whole that begins with another, that was sent encoded, or that a line end was put into', () => {
    assert.equal(redact('s3cret-2 s3cret', ['s3cret', 's3cret-2']), '[hidden] [hidden]')
    assert.equal(redact('ClientSecret=s3%2Fcr%20t', ['s3/cr t']), 'ClientSecret=[hidden]')
    assert.equal(redact('s3\ncret', ['s3 cret']), '[hidden]')
  })

  it('is on one line, without control characters', () => {
    assert.equal(redact('a\r\nb\u0000\u001b[31mc\u0085d\u2028e\u2029f\u007fg\th', []), 'a b [31mc d e f g h')
  })

  it('is not longer than 300 characters', () => {
    assert.equal(redact('a'.repeat(300), []), 'a'.repeat(300))
    assert.equal(redact('a'.repeat(301), []), `${'a'.repeat(300)}…`)
  })

  it('has no secret left at the place where it was cut', () => {
    assert.doesNotMatch(redact('a'.repeat(295) + 's3cret-and-long', ['s3cret-and-long']), /s3cret/)
  })
})

describe('an address from outside, in an error', () => {
  it('is one of the web, without secrets', () => {
    assert.equal(redactURL('https://www.twilio.com/docs/errors/20003', []), 'https://www.twilio.com/docs/errors/20003')
    assert.equal(redactURL('http://x.example/?code=the-code', ['the-code']), 'http://x.example/?code=[hidden]')
  })

  it('is none where it leads elsewhere', () => {
    for (const url of [undefined, '', '/docs', 'javascript:alert(1)', 'data:text/html,x', 'xhttps://x.example', 'ftp://x.example']) assert.equal(redactURL(url, []), undefined)
  })
})
