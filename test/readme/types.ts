import { join } from 'node:path'
import ts from 'typescript'

/** TypeScript's errors for each file, in strict mode. */
export function typeErrors(folder: string, ...files: string[]): string[][] {
  const program = ts.createProgram(files.map((file) => join(folder, file)), {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: ['node'],
    typeRoots: [join(folder, 'node_modules/@types')]
  })
  return files.map((file) => {
    const diagnostics = ts.getPreEmitDiagnostics(program, program.getSourceFile(join(folder, file)))
    return diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
  })
}
