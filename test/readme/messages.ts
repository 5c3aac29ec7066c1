import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'

/** A message for a person who uses or operates the app. */
export interface Message {
  /** The class or function that it is passed to. */
  readonly maker: string
  /** The folder of the code. */
  readonly folder: string
  /** An ellipsis stands for each value that is filled in. */
  readonly text: string
}

/** The messages of the errors and warnings in a folder's code. */
export function messagesIn(folder: string): Message[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  return files.flatMap((file) => {
    const source = ts.createSourceFile(file, readFileSync(join(folder, file), 'utf8'), ts.ScriptTarget.Latest, true)
    return [...messagesOf(source)].map((message) => ({ ...message, folder: dirname(file) }))
  })
}

const MAKER = /(?:Error|Failure|[wW]arn|[wW]arnOnce|badRequest|^super)$/

function* messagesOf(node: ts.Node): Generator<Pick<Message, 'maker' | 'text'>> {
  const { maker, said } = makerIn(node) ?? {}
  const text = said && textOf(said)
  // A single word is a name, such as an error's code.
  if (maker !== undefined && text?.includes(' ')) yield { maker, text: text.replace(/…+/g, '…') }
  for (const child of node.getChildren()) yield* messagesOf(child)
}

/** An error, a warning, or a function that returns a sentence, with the expression of its message. */
function makerIn(node: ts.Node): { maker: string; said: ts.Expression | undefined } | undefined {
  if (ts.isReturnStatement(node)) return node.expression && /^['`][A-Z].*\.['`]$/.test(node.expression.getText()) ? { maker: 'return', said: node.expression } : undefined
  if (!ts.isNewExpression(node) && !ts.isCallExpression(node)) return undefined
  const maker = node.expression.getText()
  return MAKER.test(maker) ? { maker, said: node.arguments?.[0] } : undefined
}

/** `undefined` for anything but literal text. */
function textOf(node: ts.Expression): string | undefined {
  if (ts.isStringLiteralLike(node)) return node.text
  if (ts.isTemplateExpression(node)) return [node.head, ...node.templateSpans.map(({ literal }) => literal)].map(({ text }) => text).join('…')
  if (!ts.isBinaryExpression(node)) return undefined
  const [left, right] = [textOf(node.left), textOf(node.right)]
  return left !== undefined && right !== undefined ? left + right : undefined
}
