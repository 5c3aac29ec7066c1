import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { lexer } from 'marked'
import * as surface from '../../lib'
import { authorizationError, loginRequiredError, optionError, refreshStoreFailure, sandboxFailure, sessionStoreError, setupError } from '../../lib/errors'
import { TooManyLoginsError } from '../../lib/login/concurrency-limit'
import { errorCodesIn } from './error-codes'
import { messagesIn } from './messages'
import { Surface } from './surface'

const root = process.cwd()
const page = readFileSync(join(root, 'docs/errors.md'), 'utf8')

/** The page's headings as plain text. */
const headings = lexer(page).flatMap((token) => (token.type === 'heading' ? [String(token.text).replaceAll('`', '')] : []))

describe('docs/errors.md', () => {
  it('has an entry for each error class that the package exports', () => {
    const exported: readonly unknown[] = Object.values(surface)
    const classes = exported.filter((value): value is new () => Error => typeof value === 'function' && value.prototype instanceof Error)
    assert.ok(classes.length >= 7)
    assert.deepEqual(classes.map(({ name }) => name).filter((name) => !headings.includes(name)), [])
  })

  it('has an entry with the message for each reason of a LoginStateError', () => {
    for (const reason of new Surface().textsIn('LoginStateReason')) {
      assert.ok(headings.includes(reason), reason)
      assert.ok(page.includes(`> ${new surface.LoginStateError(reason as surface.LoginStateReason).message}\n`), reason)
    }
  })

  it('has the code and the status of each class', () => {
    const errors: readonly { readonly name: string; readonly code: string; readonly status?: number }[] = [
      new surface.LoginStateError('missing'),
      new surface.TwilioResponseError('m'),
      new surface.TwilioTimeoutError('m'),
      new surface.TwilioNetworkError('m'),
      new surface.TwilioIdTokenError('m'),
      new surface.TwilioUnavailableError(undefined),
      new surface.RefreshStoreError('m')
    ]
    for (const { name, code, status = 'none' } of errors) assert.ok(page.includes(`| [\`${name}\`](#${name.toLowerCase()}) | \`${code}\` | ${status} |`), name)
  })

  it('has the section that each error refers to', () => {
    const errors: readonly { readonly help: string }[] = [
      new surface.LoginStateError('missing'),
      new surface.TwilioTokenError('m', { code: 'invalid_grant', status: 400 }),
      new surface.TwilioResponseError('m'),
      new surface.TwilioTimeoutError('m'),
      new surface.TwilioNetworkError('m'),
      new surface.TwilioIdTokenError('m'),
      new surface.TwilioUnavailableError(undefined),
      new surface.TwilioPermissionError('m'),
      new surface.RefreshStoreError('m'),
      new TooManyLoginsError(),
      authorizationError('m', { code: 'invalid_request' }),
      loginRequiredError(),
      optionError('m'),
      refreshStoreFailure('m'),
      sandboxFailure('m'),
      sessionStoreError('m'),
      setupError('m')
    ]
    for (const { help } of errors) {
      const [path, section = ''] = help.split('#')
      assert.equal(path, 'node_modules/passport-twilio/docs/errors.md')
      assert.ok(headings.map((heading) => heading.toLowerCase().replaceAll(' ', '-')).includes(section), help)
    }
  })

  it('has every likely cause of a LoginStateError', () => {
    for (const cause of new Surface().textsIn('LoginStateCause')) assert.ok(page.includes(`\n| \`${cause}\` | `), cause)
  })

  it('has the code of every error, and every error that the package constructs has one', () => {
    const { constructedWithoutCode, codes } = errorCodesIn(join(root, 'lib'))
    // The commands print the first, the sandbox sends the second in a response, and the third is a copy of Node's error, with its code.
    assert.deepEqual(constructedWithoutCode.filter((made) => !/: new (?:UsageError|SandboxError)\(|^oauth\/http\.ts: new Error\(/.test(made)), [])
    assert.ok(codes.length >= 12)
    assert.deepEqual(codes.filter((code) => !page.includes(`| \`${code}\` | `)), [])
  })

  it('has the message of every error and warning that reaches an app', () => {
    const messages = messagesIn(join(root, 'lib')).filter(({ folder }) => folder !== 'sandbox' && folder !== 'doctor')
    assert.ok(messages.length > 50)
    assert.deepEqual(messages.map(({ text }) => text).filter((text) => !page.includes(text)), [])
  })

  it('has the code of every warning', () => {
    const codes = new Surface().textsIn('TwilioWarningCode')
    assert.deepEqual(codes.filter((code) => !page.includes(`\`${code}\``)), [])
  })

  it('has no message that is not in the code', () => {
    const known = messagesIn(join(root, 'lib')).map(({ text }) => text)
    const firstCells = lexer(page).flatMap((token) => (token.type === 'table' ? (token.rows as { text: string }[][]).map(([first]) => first?.text ?? '') : []))
    const messages = firstCells.filter((text) => /^`.* .*`$/.test(text)).map((text) => text.slice(1, -1))
    assert.ok(messages.length > 50)
    assert.deepEqual(messages.filter((text) => !known.includes(text)), [])
  })
})
