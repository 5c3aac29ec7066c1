import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { lexer } from 'marked'
import * as surface from '../../lib'
import { messagesIn } from './messages'
import { Surface } from './surface'

const root = process.cwd()
const page = readFileSync(join(root, 'docs/errors.md'), 'utf8')

/** The page's headings, as text. */
const headings = lexer(page).flatMap((token) => (token.type === 'heading' ? [String(token.text).replaceAll('`', '')] : []))

describe('docs/errors.md', () => {
  it('has an entry for each error class that the package exports', () => {
    const exported: readonly unknown[] = Object.values(surface)
    const classes = exported.filter((value): value is new () => Error => typeof value === 'function' && value.prototype instanceof Error)
    assert.ok(classes.length >= 7)
    assert.deepEqual(classes.map(({ name }) => name).filter((name) => !headings.includes(name)), [])
  })

  it('has an entry for each reason of a LoginStateError, with what it says', () => {
    for (const reason of new Surface().textsIn('LoginStateReason')) {
      assert.ok(headings.includes(reason), reason)
      assert.ok(page.includes(`> ${new surface.LoginStateError(reason as surface.LoginStateReason).message}\n`), reason)
    }
  })

  it('has the message of every error and warning that reaches an app', () => {
    const messages = messagesIn(join(root, 'lib')).filter(({ maker, folder }) => folder !== 'sandbox' && !INTERNAL.includes(maker))
    assert.ok(messages.length > 50)
    assert.deepEqual(messages.map(({ text }) => text).filter((text) => !page.includes(text)), [])
  })

  it('has no message that the package does not have', () => {
    const known = messagesIn(join(root, 'lib')).map(({ text }) => text)
    const firstCells = lexer(page).flatMap((token) => (token.type === 'table' ? (token.rows as { text: string }[][]).map(([first]) => first?.text ?? '') : []))
    const messages = firstCells.filter((text) => /^`.* .*`$/.test(text)).map((text) => text.slice(1, -1))
    assert.ok(messages.length > 50)
    assert.deepEqual(messages.filter((text) => !known.includes(text)), [])
  })
})

/** Never leave the package: the one becomes a warning or another error in `redisRefreshes`, the other means that a seal does not open. */
const INTERNAL = ['RedisUnavailableError', 'RangeError']
