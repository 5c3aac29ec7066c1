import assert from 'node:assert/strict'
import { runInNewContext } from 'node:vm'
import { messageOf } from '../../lib/util/message-of'

describe('the message of an error', () => {
  const addresses = [new Error('connect ECONNREFUSED ::1:6379'), new Error('connect ECONNREFUSED 127.0.0.1:6379')]
  class ClosedError extends Error {}

  for (const [what, error, message] of [
    ['is its own', new Error('NOAUTH'), 'NOAUTH'],
    ['is its own, even if it stands for several', new AggregateError(addresses, 'No address works'), 'No address works'],
    ['is those of all addresses if it has none', new AggregateError(addresses), 'connect ECONNREFUSED ::1:6379, connect ECONNREFUSED 127.0.0.1:6379'],
    ['is its code if it has none', Object.assign(new Error(''), { code: 'ECONNRESET' }), 'ECONNRESET'],
    ['is its class if it has nothing else', new ClosedError(), 'ClosedError'],
    ['is its own, even if it comes from another realm, as under Jest', runInNewContext("new Error('down')"), 'down'],
    ['is a number that was thrown instead', 42, '42'],
    ['is a string that was thrown instead', 'down', 'down'],
    ['is never an error of its own, even for an object that cannot be a string', Object.create(null), 'unknown error'],
    ['is never an error of its own, even for nothing', undefined, 'unknown error']
  ] as const) {
    it(what, () => assert.equal(messageOf(error), message))
  }
})
