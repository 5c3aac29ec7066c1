import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { lexer, walkTokens } from 'marked'

const root = process.cwd()

describe('the documents', () => {
  it('have no broken link in example-app/README.md', () => {
    const file = 'example-app/README.md'
    assert.deepEqual(linksIn(file).filter((link) => !isValidLink(file, link)), [])
  })

  for (const file of documentsIn('.', 'docs')) {
    it(`have no broken link in ${file}`, () => {
      assert.deepEqual(linksIn(file).filter((link) => !isValidLink(file, link)), [])
    })

    it(`mention no unknown npm command in ${file}`, () => {
      const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
      const commands = [...read(file).matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name)
      assert.deepEqual(commands.filter((name) => name === undefined || !(name in scripts)), [])
    })
  }
})

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

function documentsIn(...folders: string[]): string[] {
  return folders.flatMap((folder) => readdirSync(join(root, folder)).filter((name) => name.endsWith('.md')).map((name) => join(folder, name)))
}

/** A document's links and images, without those to other sites. */
function linksIn(file: string): string[] {
  const links: string[] = []
  void walkTokens(lexer(read(file)), (token) => {
    if ((token.type === 'link' || token.type === 'image') && !/^https?:/.test(String(token.href))) links.push(String(token.href))
  })
  return links
}

function isValidLink(from: string, link: string): boolean {
  const [path = '', heading] = link.split('#', 2)
  const target = path === '' ? from : join(dirname(from), path)
  if (!existsSync(join(root, target))) return false
  return heading === undefined || headingsIn(target).includes(heading)
}

/** The anchors that GitHub makes of a document's headings. */
function headingsIn(file: string): string[] {
  const headings = lexer(read(file)).flatMap((token) => (token.type === 'heading' ? [String(token.text)] : []))
  return headings.map((text) => text.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-'))
}
