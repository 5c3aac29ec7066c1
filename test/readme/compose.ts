import ts from 'typescript'

/** A statement and its subject. A statement with the same subject replaces it. */
interface Statement {
  readonly subject: string
  readonly text: string
}

interface Program {
  /** The imports by module. */
  readonly imports: Map<string, Import>
  readonly statements: Statement[]
}

interface Import {
  defaultName: string | undefined
  readonly names: Set<string>
}

/**
 * A program changed by snippets, as a reader would change it: a statement replaces the one with the same subject. A new one
 * goes before the next statement of its snippet that has a place, or else before the app listens, or at the end of the
 * program if the snippet has it after that.
 */
export function compose(program: string, ...snippets: readonly string[]): string {
  const composed = parse(program)
  for (const snippet of snippets.map(parse)) {
    for (const [module, added] of snippet.imports) addImport(composed.imports, module, added)
    insert(composed.statements, snippet.statements)
  }
  return [...importsOf(composed), ...composed.statements.map(({ text }) => text)].join('\n')
}

function parse(code: string): Program {
  const source = ts.createSourceFile('snippet.ts', code, ts.ScriptTarget.Latest, true)
  const program: Program = { imports: new Map(), statements: [] }
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement)) readImport(statement, program.imports)
    else program.statements.push({ subject: subjectOf(statement), text: statement.getFullText() })
  }
  return program
}

function readImport({ importClause, moduleSpecifier }: ts.ImportDeclaration, imports: Program['imports']): void {
  const bindings = importClause?.namedBindings
  const names = bindings && ts.isNamedImports(bindings) ? bindings.elements.map((element) => element.getText()) : []
  addImport(imports, moduleSpecifier.getText().slice(1, -1), { defaultName: importClause?.name?.text, names: new Set(names) })
}

function addImport(imports: Program['imports'], module: string, { defaultName, names }: Import): void {
  const known = imports.get(module) ?? { defaultName: undefined, names: new Set<string>() }
  imports.set(module, { defaultName: defaultName ?? known.defaultName, names: new Set([...known.names, ...names]) })
}

function importsOf({ imports }: Program): string[] {
  return [...imports].map(([module, { defaultName, names }]) => {
    const named = names.size > 0 ? `{ ${[...names].join(', ')} }` : undefined
    return `import ${[defaultName, named].filter(Boolean).join(', ')} from '${module}'`
  })
}

function insert(statements: Statement[], added: readonly Statement[]): void {
  const placeOf = ({ subject }: Statement) => statements.findIndex((statement) => statement.subject === subject)
  for (const [index, statement] of added.entries()) {
    const replaced = placeOf(statement)
    if (replaced !== -1) {
      statements[replaced] = statement
      continue
    }
    const next = added.slice(index + 1).map(placeOf).find((place) => place !== -1)
    const isAfterListening = added.slice(0, index).some(({ subject }) => subject === LISTENING)
    statements.splice(next ?? (isAfterListening ? statements.length : placeOf({ subject: LISTENING, text: '' })), 0, statement)
  }
}

const LISTENING = 'app.listen'

function subjectOf(statement: ts.Statement): string {
  if (ts.isVariableStatement(statement) && statement.getText().includes('= app.listen(')) return LISTENING
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations.map(nameOf).join()
  if (ts.isExpressionStatement(statement) && ts.isCallExpression(statement.expression)) return callSubject(statement.expression)
  // A module that exports the app doesn't listen itself.
  if (ts.isExportDeclaration(statement)) return LISTENING
  return statement.getText()
}

function nameOf({ name, initializer }: ts.VariableDeclaration): string {
  return ts.isIdentifier(name) ? name.text : `from ${initializer?.getText() ?? ''}`
}

/** The function that is called, and its first argument: `app.use session`, `app.get '/path'`. */
function callSubject({ expression, arguments: [first] }: ts.CallExpression): string {
  const called = expression.getText()
  if (called === LISTENING || called.startsWith('passport.')) return called
  if (!first) return called
  return `${called} ${ts.isCallExpression(first) ? first.expression.getText() : first.getText()}`
}

/** The modules that some code imports. */
export function importedBy(code: string): string[] {
  return [...parse(code).imports.keys()]
}
