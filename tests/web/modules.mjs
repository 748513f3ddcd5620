// Prints for each line of stdin, a JSON string with a script, what the script imports by path, and what it exports.
// Run with the folder of the package `typescript` as the argument.

import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const ts = createRequire(import.meta.url)(process.argv[2]);

/** Names of a binding: one, or those of a pattern. */
function names(binding) {
  return ts.isIdentifier(binding) ? [binding.text] : binding.elements.flatMap(({ name }) => names(name));
}

/** What a statement exports. A variable that changes has `let ` before its name. */
function exported(node) {
  if (ts.isExportAssignment(node)) return ['default'];
  if (ts.isExportDeclaration(node)) return node.exportClause?.elements?.map(({ name }) => name.text) ?? ['*'];
  const kinds = node.modifiers?.map(({ kind }) => kind) ?? [];
  if (!kinds.includes(ts.SyntaxKind.ExportKeyword)) return [];
  if (kinds.includes(ts.SyntaxKind.DefaultKeyword)) return ['default'];
  if (!ts.isVariableStatement(node)) return [node.name.text];
  const prefix = node.declarationList.flags & ts.NodeFlags.Const ? '' : 'let ';
  return node.declarationList.declarations.flatMap(({ name }) => names(name).map((each) => prefix + each));
}

/** The path and the names of what a statement imports or passes on; `*` stands for everything. */
function imported(node) {
  if (!node.moduleSpecifier) return [];
  const named = node.importClause?.namedBindings ?? node.exportClause;
  const taken = named?.elements?.map((each) => (each.propertyName ?? each.name).text) ?? (named ? ['*'] : []);
  return [[node.moduleSpecifier.text, node.importClause?.name ? ['default', ...taken] : taken]];
}

for await (const line of createInterface({ input: process.stdin })) {
  const file = ts.createSourceFile('script.js', JSON.parse(line), ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  console.log(JSON.stringify({ imports: file.statements.flatMap(imported), exports: file.statements.flatMap(exported) }));
}
