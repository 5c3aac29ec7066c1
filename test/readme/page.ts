import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { lexer, type Token } from 'marked'

/** A fenced block. */
export interface Block {
  readonly heading: string
  readonly language: string
  readonly code: string
}

/** The fenced blocks of the README or another page, in order. Each test takes the blocks that it runs. */
export class Page {
  readonly blocks: readonly Block[]
  readonly #file: string
  readonly #untaken: Block[]
  readonly #sections = new Map<string, Token[]>()

  /** @param file a path below the repository's folder */
  constructor(file: string) {
    let section: Token[] = []
    for (const token of lexer(readFileSync(join(process.cwd(), file), 'utf8'))) {
      if (token.type === 'heading') this.#sections.set(String(token.text), (section = []))
      else section.push(token)
    }
    this.#file = file
    this.blocks = [...this.#sections].flatMap(([heading, tokens]) =>
      tokens.flatMap((token) => (token.type === 'code' ? [{ heading, language: String(token.lang), code: String(token.text) }] : []))
    )
    this.#untaken = [...this.blocks]
  }

  /** The words under a heading, including names in code. */
  wordsUnder(heading: string): string[] {
    const text = (this.#sections.get(heading) ?? []).map(({ raw }) => raw).join('')
    return text.match(/\w+/g) ?? []
  }

  /** The next block of a language under a heading. */
  take(heading: string, language: string): string {
    const index = this.#untaken.findIndex((block) => block.heading === heading && block.language === language)
    const [block] = index === -1 ? [] : this.#untaken.splice(index, 1)
    if (!block) throw new Error(`${this.#file} has no (other) ${language} block under "${heading}".`)
    return block.code
  }

  /** The blocks that no test has taken. */
  get untaken(): string[] {
    return this.#untaken.map(({ heading, code }) => `${heading}: ${code.split('\n', 1)[0] ?? ''}`)
  }
}
