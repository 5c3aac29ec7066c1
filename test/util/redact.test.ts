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

  describe('with a secret in another encoding', () => {
    const id = 'OQ0123456789abcdef0123456789abcdef'
    const secrets = ['7rYw0cSx9QpLk2Vb5NzTg8Hd1MjFe4Ua', 'a-very-long-secret', 'pa55"w/rd&<é>']
    const encodings: Readonly<Record<string, (secret: string) => string>> = {
      base64: (secret) => Buffer.from(secret).toString('base64'),
      base64url: (secret) => Buffer.from(secret).toString('base64url'),
      'base64, one byte later': (secret) => Buffer.from(`:${secret}`).toString('base64'),
      'base64, two bytes later': (secret) => Buffer.from(`::${secret}`).toString('base64'),
      'HTTP Basic': (secret) => Buffer.from(`${id}:${secret}`).toString('base64'),
      'URL-encoded base64': (secret) => encodeURIComponent(Buffer.from(`${id}:${secret}`).toString('base64')),
      hex: (secret) => Buffer.from(secret).toString('hex'),
      'upper-case hex': (secret) => Buffer.from(secret).toString('hex').toUpperCase(),
      'all bytes URL-encoded': (secret) => Buffer.from(secret).toString('hex').replace(/../g, '%$&'),
      'all bytes URL-encoded twice': (secret) => Buffer.from(secret).toString('hex').replace(/../g, '%25$&'),
      'JavaScript escapes': (secret) => secret.replace(/[^]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`),
      'HTML entities': (secret) => secret.replace(/[^]/g, (character) => `&#${character.charCodeAt(0)};`)
    }
    for (const [encoding, encode] of Object.entries(encodings)) {
      it(`contains nothing of it: ${encoding}`, () => {
        for (const secret of secrets) {
          assert.equal(redact(`The header was Basic ${encode(secret)} but is wrong.`, [secret]), 'The header was Basic [hidden] but is wrong.')
          assert.doesNotMatch(redact(`{"client_secret":"${encode(secret)}"}`, [secret]), new RegExp(encode(secret).slice(0, 8).replace(/[\\&]/g, '\\$&')))
        }
      })
    }

    it('contains nothing of one that is encoded as JSON or HTML, or URL-encoded twice', () => {
      for (const [secret, encoded] of [
        ['s3/cret"12', String.raw`s3\/cret\"12`],
        ['s3<cret&12', 's3&lt;cret&amp;12'],
        ['s3/cret 12', 's3%252Fcret%252012']
      ] as const) {
        assert.equal(redact(`ClientSecret ${encoded} is wrong`, [secret]), 'ClientSecret [hidden] is wrong')
      }
    })

    it('contains no token that was not sent either, such as another one of the same person', () => {
      assert.equal(redact('replaced by eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJVUzEifQ.c2lnbmF0dXJl', ['a-refresh-token']), 'replaced by [hidden]')
    })
  })

  it('keeps what helps a developer: words, names, SIDs, URLs, and numbers', () => {
    for (const text of [
      'invalid_request: The RedirectUri or redirect_uri (https://app.example.com/auth/twilio/callback) is not registered.',
      'Authorization Error: required permission twilio/messaging/messages/list is missing',
      'The account AC0123456789abcdef0123456789abcdef is suspended. See https://www.twilio.com/docs/errors/20003',
      'CodeChallengeMethod must be S256: http://127.0.0.1:3000/cb?GrantType=authorization_code, trn:us1:iam:oauthapp:OQ0123456789abcdef0123456789abcdef',
      'Too many requests (20429): 100% busy & slow',
      'ClientID, AccountSIDs, RedirectURI or callbackURL of the OAuthApp is wrong: UNAUTHORIZED',
      'L’accès a été refusé. アクセスが拒否されました。'
    ]) {
      assert.equal(redact(text, ['s3cret-12']), text)
    }
  })

  it('hides what may be a token from 8 characters on, which is the length of the shortest secrets', () => {
    assert.equal(redact('a1b2c3d4 a1b2c3d (a1b2c3d4) (a1b2c3d)', ['s3cret-12']), '[hidden] a1b2c3d [hidden] (a1b2c3d)')
    assert.equal(redact('abc%2Fde A&amp;T ab%2Fde', ['s3cret-12']), '[hidden] A&amp;T ab%2Fde')
  })

  it('keeps everything if no secret was sent', () => {
    assert.equal(redact('https://a1b2c3d4e5f6.example/?x=%2F', []), 'https://a1b2c3d4e5f6.example/?x=%2F')
  })

  it('is left out if it is too long to be a message', () => {
    assert.equal(redact('a '.repeat(2048), []), `${'a '.repeat(150)}…`)
    assert.equal(redact('a'.repeat(4097), []), '…')
  })

  it('is searched quickly for a long secret, even if its beginning occurs again and again', () => {
    const start = performance.now()
    redact(`${'x'.repeat(7999)}y`.repeat(32), ['x'.repeat(8000)])
    assert.ok(performance.now() - start < 1000)
  })

  it('has no part of a secret where it was cut', () => {
    assert.doesNotMatch(redact('a'.repeat(295) + 's3cret-and-long', ['s3cret-and-long']), /s3cret/)
  })
})

describe('a URL from outside in an error', () => {
  it('is an http or https URL without secrets', () => {
    assert.equal(redactURL('https://www.twilio.com/docs/errors/20003', []), 'https://www.twilio.com/docs/errors/20003')
    assert.equal(redactURL('http://x.example/?code=the-code', ['the-code']), 'http://x.example/?code=[hidden]')
    assert.equal(redactURL('https://x.example/dGhlLWNvZGU9', ['the-code']), undefined)
  })

  it('is left out if it is anything else', () => {
    for (const url of [undefined, '', '/docs', 'javascript:alert(1)', 'data:text/html,x', 'xhttps://x.example', 'ftp://x.example']) assert.equal(redactURL(url, []), undefined)
  })
})
