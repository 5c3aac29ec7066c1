import assert from 'node:assert/strict'
import { redact, redactURL } from '../../lib/util/redact'

describe('external text in an error message', () => {
  it('hides every occurrence of the secrets that were sent', () => {
    assert.equal(redact('a s3cret-1, s3cret-1; t0ken-22', ['s3cret-1', undefined, '', 't0ken-22']), 'a [hidden], [hidden]; [hidden]')
    assert.equal(redact('a+b+c+d+e a.b.c.d.e', ['a.b.c.d.e']), 'a+b+c+d+e [hidden]', 'secrets are not regular expressions')
  })

  it('hides a secret that contains another, that is URL-encoded, or that contains a line break', () => {
    assert.equal(redact('s3cret-1-2 s3cret-1', ['s3cret-1', 's3cret-1-2']), '[hidden] [hidden]')
    assert.equal(redact('ClientSecret=s3%2Fcret%201', ['s3/cret 1']), 'ClientSecret=[hidden]')
    assert.equal(redact('s3\ncret-1', ['s3 cret-1']), '[hidden]')
  })

  it('hides a secret that is form-encoded, or encoded with lower-case hexadecimal digits', () => {
    assert.equal(redact('ClientSecret=s3%2fcret%201', ['s3/cret 1']), 'ClientSecret=[hidden]')
    assert.equal(redact('ClientSecret=s3%2Fcret+1', ['s3/cret 1']), 'ClientSecret=[hidden]')
    assert.equal(redact('a+b.c*d[e]f', ['a+b.c*d[e]f']), '[hidden]')
  })

  it('is not changed by values too short to be secrets, such as a code "c"', () => {
    assert.equal(redact('The code c is incorrect.', ['c', 'code c', 'correct', 'é']), 'The code c is incorrect.')
    assert.equal(redact('%C3%A9%C3%A9', ['éé']), '%C3%A9%C3%A9')
    assert.equal(redact('incorrect', ['\u200b'.repeat(8) + 'c']), 'incorrect')
  })

  it('is a single line without control characters', () => {
    assert.equal(redact('a\r\nb\u0000\u001b[31mc\u0085d\u2028e\u2029f\u007fg\th', []), 'a b [31mc d e f g h')
  })

  it('has no characters that are invisible or change the direction of text', () => {
    assert.equal(redact('a\u200bb\u200dc\u200ed\u202ee\u2066f\u2069g\ufeffh\u00adi\u061cj\u2060k\u{e0041}l', []), 'abcdefghijkl')
    assert.equal(redact('s3cr\u200bet-12', ['s3cret-12']), '[hidden]', 'they cannot disguise a secret either')
  })

  it('is cut after 300 characters', () => {
    assert.equal(redact('a'.repeat(300), []), 'a'.repeat(300))
    assert.equal(redact('a'.repeat(301), []), `${'a'.repeat(300)}…`)
  })

  it('has no part of a secret where it was cut', () => {
    assert.doesNotMatch(redact('a'.repeat(295) + 's3cret-and-long', ['s3cret-and-long']), /s3cret/)
  })
})

describe('a URL from outside in an error', () => {
  it('is an http or https URL without secrets', () => {
    assert.equal(redactURL('https://www.twilio.com/docs/errors/20003', []), 'https://www.twilio.com/docs/errors/20003')
    assert.equal(redactURL('http://x.example/?code=the-code', ['the-code']), 'http://x.example/?code=[hidden]')
  })

  it('is left out if it is anything else', () => {
    for (const url of [undefined, '', '/docs', 'javascript:alert(1)', 'data:text/html,x', 'xhttps://x.example', 'ftp://x.example']) assert.equal(redactURL(url, []), undefined)
  })
})
