import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openUsers, type User } from '../src/users.ts'

const USER: User = { id: `US${'1'.repeat(32)}`, displayName: 'Amara Okafor', email: 'amara@example.com', accountSid: undefined, organizationSid: undefined }

// To test the database too: DATABASE_URL=postgres://localhost/test npm test
for (const databaseURL of new Set([undefined, process.env.DATABASE_URL])) {
  describe(`users ${databaseURL === undefined ? 'in memory' : 'in PostgreSQL'}`, () => {
    it('are found by their ID once they were saved, with what was saved last', async () => {
      const users = await openUsers({ databaseURL, redis: undefined })
      await users.save(USER)
      await users.save({ ...USER, email: undefined, displayName: 'Amara O.' })
      assert.deepEqual(await users.find(USER.id), { ...USER, email: undefined, displayName: 'Amara O.' })
      assert.equal(await users.find('nobody'), undefined)
      await users.close()
    })
  })
}
