import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { lexer } from 'marked'
import * as surface from '../../lib'
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

  it('has the message of every error and warning that reaches an app', () => {
    const messages = messagesIn(join(root, 'lib')).filter(({ folder }) => folder !== 'sandbox')
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
