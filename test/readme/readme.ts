import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { lexer } from 'marked'

/** A fenced block. */
export interface Block {
  readonly heading: string
  readonly language: string
  readonly code: string
}

/** The README's fenced blocks, in order; a test takes the ones that it tries. */
export class Readme {
  readonly blocks: readonly Block[]
  readonly #untaken: Block[] = []

  constructor() {
    let heading = ''
    for (const token of lexer(readFileSync(join(process.cwd(), 'README.md'), 'utf8'))) {
      if (token.type === 'heading') heading = String(token.text)
      if (token.type === 'code') this.#untaken.push({ heading, language: String(token.lang), code: String(token.text) })
    }
    this.blocks = [...this.#untaken]
  }

  /** The next block of a language under a heading. */
  take(heading: string, language: string): string {
    const index = this.#untaken.findIndex((block) => block.heading === heading && block.language === language)
    const [block] = index === -1 ? [] : this.#untaken.splice(index, 1)
    if (!block) throw new Error(`README.md has no (other) ${language} block under "${heading}".`)
    return block.code
  }

  /** What no test has taken. */
  get untaken(): string[] {
    return this.#untaken.map(({ heading, code }) => `${heading}: ${code.split('\n', 1)[0] ?? ''}`)
  }
}
