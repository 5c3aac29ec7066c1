import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

/** What a folder's code shows of the errors that it constructs. */
export interface ErrorCodes {
  /** The errors without a code, as `file: expression`. */
  readonly constructedWithoutCode: readonly string[]
  /** The codes of the errors. */
  readonly codes: readonly string[]
}

/** The file whose functions give errors their code. */
const MAKERS = 'errors.ts'

/** passport-oauth2's classes, whose `code` is OAuth 2.0's. */
const CODED_BASES = ['AuthorizationError', 'TokenError']

export function errorCodesIn(folder: string): ErrorCodes {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  const sources = files.map((file) => ts.createSourceFile(file, readFileSync(join(folder, file), 'utf8'), ts.ScriptTarget.Latest, true))
  const coded = new Set(sources.flatMap((source) => [...nodesIn(source)].filter(ts.isClassDeclaration).filter(hasCode).map(({ name }) => name?.text ?? '')))
  const constructedWithoutCode = sources.flatMap((source) =>
    [...nodesIn(source)]
      .filter(ts.isNewExpression)
      .filter(({ expression }) => expression.getText().endsWith("Error") && !coded.has(expression.getText()))
      .filter((made) => source.fileName !== MAKERS || !isCodedByMaker(made))
      .map((made) => `${source.fileName}: ${made.getText()}`)
  )
  const codes = sources.flatMap((source) => [...source.text.matchAll(/'(ERR_TWILIO_[A-Z_]+)'/g)].map(([, code = '']) => code))
  return { constructedWithoutCode, codes: [...new Set(codes)] }
}

/** Whether each error of a class has a `code` and `help`. */
function hasCode({ members, heritageClauses }: ts.ClassDeclaration): boolean {
  const names = members.map((member) => member.name?.getText())
  const bases = heritageClauses?.flatMap(({ types }) => types.map(({ expression }) => expression.getText()))
  return names.includes('help') && (names.includes('code') || (bases ?? []).some((base) => CODED_BASES.includes(base)))
}

/** Whether an error is constructed in a function that returns what `withCode` returns. */
function isCodedByMaker(node: ts.Node): boolean {
  if (ts.isFunctionDeclaration(node)) return node.getText().includes('withCode(')
  return !ts.isSourceFile(node) && isCodedByMaker(node.parent)
}

function* nodesIn(node: ts.Node): Generator<ts.Node> {
  yield node
  for (const child of node.getChildren()) yield* nodesIn(child)
}
