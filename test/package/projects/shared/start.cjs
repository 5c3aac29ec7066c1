// Starts a sandbox, and an app with a command, with the app's settings in .env. Logs in to it: node start.cjs 'bun app.mjs'
'use strict'
const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { writeFile } = require('node:fs/promises')
const { prepareApp, listening, run } = require('./app.cjs')
const { logIn } = require('./log-in.cjs')

async function main(command) {
  const { appURL, sandbox, environment } = await prepareApp()
  await writeFile('.env', Object.entries(environment).map(([name, value]) => `${name}=${value}\n`).join(''))
  const app = spawn(command, { shell: true, stdio: 'inherit', detached: true })
  try {
    const ended = new Promise((_resolve, reject) => app.once('error', reject).once('exit', (code) => reject(new Error(`${command} ended with code ${code}`))))
    await Promise.race([listening(environment.PORT), ended])
    const get = await logIn(appURL, sandbox)
    assert.match((await get('/account')).id, /^(OR|US)/, 'the app should know who logged in')
  } finally {
    if (app.exitCode === null) process.kill(-app.pid)
  }
}

run(() => main(process.argv[2]))
