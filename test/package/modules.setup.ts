import { NODE_VERSIONS, pack, Project } from './project'

describe('the packed package', () => {
  let packed: Awaited<ReturnType<typeof pack>>
  before(async () => {
    packed = await pack()
  })
  after(() => packed.remove())

  for (const [name, promise] of [
    ['esm', 'logs in from a project of ES modules'],
    ['commonjs', 'logs in from a CommonJS project, where require gives the constructor']
  ] as const) {
    describe(promise, () => {
      let project: Project
      before(async () => {
        project = await Project.install(name, packed.tarball)
      })
      after(() => project.remove())

      for (const version of NODE_VERSIONS) {
        it(`on Node ${version}`, async () => {
          await project.node(version, 'index.js')
        })
      }
    })
  }
})
