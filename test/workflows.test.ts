import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
}

interface Job {
  readonly needs?: string | readonly string[]
  readonly permissions?: Readonly<Record<string, string>> | string
  readonly uses?: string
  readonly steps?: readonly Step[]
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>
  readonly permissions?: Readonly<Record<string, string>> | string
  readonly jobs: Readonly<Record<string, Job>>
}

const FOLDER = '.github/workflows'
const PINNED = /^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/
/** All that a job may run that has a credential to publish with. */
const PUBLISHING = [/^echo "\$SHA256 {2}package\.tgz" \| sha256sum --check --strict$/, /^npm publish \.\/package\.tgz --provenance --access public --ignore-scripts$/]
const PUBLISHING_ACTIONS = ['actions/setup-node', 'actions/download-artifact']

/** What is wrong with a workflow. */
function problemsIn(source: string): string[] {
  const workflow = parse(source) as Workflow
  const problems: string[] = []
  for (const [, action = ''] of source.matchAll(/^\s*(?:- )?uses: (.*)$/gm)) {
    if (!action.startsWith('./') && !PINNED.test(action)) problems.push(`${action} is not pinned to a commit, with its version as a comment`)
  }
  for (const trigger of ['pull_request_target', 'workflow_run']) if (trigger in workflow.on) problems.push(`${trigger} runs other people's code with credentials`)
  if (/\$\{\{[^}]*\bsecrets\b|"secrets":/.test(JSON.stringify(workflow))) problems.push('it uses secrets')
  for (const [name, job] of Object.entries(workflow.jobs)) problems.push(...problemsInJob(job, workflow).map((problem) => `${name}: ${problem}`))
  return problems
}

function problemsInJob({ permissions: own, steps = [] }: Job, workflow: Workflow): string[] {
  const permissions = own ?? workflow.permissions
  if (typeof permissions !== 'object') return ['it does not list its permissions']
  const problems: string[] = []
  const writes = Object.entries(permissions).filter(([, access]) => access !== 'read' && access !== 'none')
  for (const [permission, access] of writes) if (permission !== 'id-token') problems.push(`it may ${access} ${permission}`)
  for (const { uses = '', run, with: input } of steps) {
    const [action = ''] = uses.split('@')
    if (action === 'actions/checkout' && input?.['persist-credentials'] !== false) problems.push('checkout leaves its credentials on the disk')
    if (writes.length === 0) continue
    if (run === undefined && !PUBLISHING_ACTIONS.includes(action)) problems.push(`${action} runs with a credential`)
    if (run !== undefined && !PUBLISHING.some((command) => command.test(run.trim()))) problems.push(`${run.trim()} runs with a credential`)
  }
  return problems
}

describe('The workflows on GitHub', () => {
  const files = readdirSync(FOLDER)

  for (const file of files) {
    it(`pin their actions, and run no code of the project with credentials: ${file}`, () => {
      assert.deepEqual(problemsIn(readFileSync(join(FOLDER, file), 'utf8')), [])
    })
  }

  it('publish the tarball that another job has packed, after comparing its checksum, without a token in the repository', () => {
    const { on, jobs } = parse(readFileSync(join(FOLDER, 'release.yml'), 'utf8')) as Workflow
    const { pack, publish, test } = jobs
    const commands = publish?.steps?.flatMap(({ run }) => run?.split(' ')[0] ?? [])

    assert.deepEqual(on, { push: { tags: ['v*'] } })
    assert.deepEqual([test?.uses, pack?.needs, publish?.needs], ['./.github/workflows/test.yml', 'test', 'pack'])
    assert.deepEqual(publish?.permissions, { 'id-token': 'write' })
    assert.deepEqual(commands, ['echo', 'npm'])
  })

  describe('are refused by these tests if', () => {
    const job = (lines: string, permissions = '{ contents: read }') => `on: { push: {} }\npermissions: ${permissions}\njobs:\n  job:\n    steps:\n${lines}`
    const sha = '3d3c42e5aac5ba805825da76410c181273ba90b1'
    const faulty: Readonly<Record<string, [string, RegExp]>> = {
      'an action is named by its tag': [job('      - uses: actions/setup-node@v7'), /not pinned/],
      'an action is pinned to a short hash': [job('      - uses: actions/setup-node@3d3c42e # v7.0.1'), /not pinned/],
      'the version of a pinned action is not given': [job(`      - uses: actions/setup-node@${sha}`), /not pinned/],
      'a token from the secrets of the repository is used': [job('      - run: npm publish\n        env: { NODE_AUTH_TOKEN: "${{ secrets.NPM_TOKEN }}" }'), /secrets/],
      'another workflow gets the secrets': ['on: { push: {} }\njobs:\n  job: { uses: ./.github/workflows/test.yml, permissions: { contents: read }, secrets: inherit }', /secrets/],
      'checkout leaves its token on the disk': [job(`      - uses: actions/checkout@${sha} # v7.0.1`), /on the disk/],
      'a job inherits permissions that nobody lists': [job('      - run: npm test').replace(/permissions: .*\n/, ''), /does not list/],
      'a job has all permissions': [job('      - run: npm test', 'write-all'), /does not list/],
      'a job may write to the repository': [job('      - run: npm test', '{ contents: write }'), /may write contents/],
      'a job that can publish checks the code out': [job(`      - uses: actions/checkout@${sha} # v7.0.1\n        with: { persist-credentials: false }`, '{ id-token: write }'), /runs with a credential/],
      'a job that can publish installs dependencies': [job('      - run: npm ci', '{ id-token: write }'), /npm ci runs with a credential/],
      'a job that can publish runs scripts of the package': [job('      - run: npm publish ./package.tgz --provenance --access public', '{ id-token: write }'), /runs with a credential/],
      'pull requests run with credentials': [job('      - run: npm test').replace('push', 'pull_request_target'), /other people's code/]
    }
    for (const [fault, [source, problem]] of Object.entries(faulty)) it(fault, () => assert.match(problemsIn(source).join('\n'), problem))
  })
})
