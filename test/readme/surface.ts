import assert from 'node:assert/strict'
import { join } from 'node:path'
import ts from 'typescript'

/** The types that the package exports. */
export class Surface {
  readonly #checker: ts.TypeChecker
  readonly #exports: readonly ts.Symbol[]

  constructor() {
    const entry = join(process.cwd(), 'lib/index.ts')
    const program = ts.createProgram([entry], { noEmit: true, target: ts.ScriptTarget.ES2023, types: [] })
    this.#checker = program.getTypeChecker()
    const source = program.getSourceFile(entry)
    const module = source && this.#checker.getSymbolAtLocation(source)
    this.#exports = module ? this.#checker.getExportsOfModule(module) : []
  }

  /** The names of a type's public properties and methods. */
  namesIn(type: string): string[] {
    const properties = this.#typeOf(type).getProperties().map(({ name }) => name)
    return properties.filter((name) => !/^[_#]/.test(name))
  }

  /** The members of a union of string literals. */
  textsIn(type: string): string[] {
    const union = this.#typeOf(type)
    assert.ok(union.isUnion(), `${type} is a union`)
    return union.types.flatMap((member) => (member.isStringLiteral() ? [member.value] : []))
  }

  #typeOf(name: string): ts.Type {
    const exported = this.#exports.find((symbol) => symbol.name === name)
    assert.ok(exported, `${name} is exported`)
    return this.#checker.getDeclaredTypeOfSymbol(this.#checker.getAliasedSymbol(exported))
  }
}
