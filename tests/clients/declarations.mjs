/**
 * Check the sources of the client library, in the folder that the argument names, with TypeScript, and print one file of
 * declarations for all that applications may use.
 * Members with the JSDoc tag `@internal` are left out, and so is every module that nothing public refers to.
 */
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from '../openapi/node_modules/typescript/lib/typescript.js';

const ENTRY = 'confab.d.ts';
const TYPES = 'types.d.ts';
const NODE = 'confab-node.d.ts';

const OPTIONS = {
  allowJs: true,
  checkJs: true,
  strict: true,
  declaration: true,
  emitDeclarationOnly: true,
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ['lib.es2024.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
  types: ['node'],
  typeRoots: [fileURLToPath(new URL('../openapi/node_modules/@types', import.meta.url))],
  skipLibCheck: true,
};

const folder = process.argv[2];
const sources = readdirSync(folder).filter((name) => name.endsWith('.js'));
const program = ts.createProgram(
  sources.map((name) => join(folder, name)),
  OPTIONS,
);
stop(ts.getPreEmitDiagnostics(program));

/** The statements of all modules, by the names that they declare. */
const declared = new Map();
/** What the entry exports: these alone are values at run time. */
const values = new Set(['Confab']);
/** The types of the data: all of them are public. */
const data = new Set();
const emitted = program.emit(undefined, (path, text) => {
  const name = basename(path);
  if (name !== NODE) collect(name, ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true));
});
stop(emitted.diagnostics);
data.delete('TokenAnswer');
process.stdout.write(joined());

function collect(file, source) {
  for (const statement of source.statements) {
    if (ts.isExportDeclaration(statement) && file === ENTRY)
      for (const { name } of statement.exportClause.elements) values.add(name.text);
    // A name under which a module repeats the type of another one is no declaration.
    if (!statement.name || (ts.isTypeAliasDeclaration(statement) && ts.isImportTypeNode(statement.type))) continue;
    if (declared.has(statement.name.text)) throw new Error(`${statement.name.text} is declared twice`);
    declared.set(statement.name.text, statement);
    if (file === TYPES) data.add(statement.name.text);
  }
}

function joined() {
  const found = new Set();
  const texts = [];
  const waiting = [...values, ...data];
  for (const name of waiting) {
    const statement = declared.get(name);
    if (!statement || found.has(name)) continue;
    found.add(name);
    texts.push(rewritten(statement, (used) => waiting.push(used)));
  }
  const types = [...found].filter((name) => !values.has(name));
  texts.push(`export { ${[...values].sort().join(', ')} };`, `export type { ${types.sort().join(', ')} };`);
  return `${texts.join('\n\n')}\n`;
}

/** The text of a statement, without what is internal and what its JSDoc says of types. `use` gets the names that it refers to. */
function rewritten(statement, use) {
  const edits = [];
  const visit = (node) => {
    if (isInternal(node)) {
      const isConstructor = ts.isConstructorDeclaration(node);
      edits.push([node.getFullStart(), node.end, isConstructor ? '\n    private constructor();' : '']);
      return;
    }
    // Earlier comments are of type definitions, which are statements of their own.
    const docs = node.jsDoc ?? [];
    for (const doc of docs) {
      const text = doc === docs.at(-1) ? documentation(doc) : '';
      edits.push([doc.pos, text ? doc.end : node.getStart(), text]);
    }
    if (ts.isImportTypeNode(node)) {
      edits.push([node.getStart(), node.qualifier.end, node.qualifier.text]);
      use(node.qualifier.text);
      node.typeArguments?.forEach(visit);
      return;
    }
    if (ts.isTypeReferenceNode(node) && ts.isIdentifier(node.typeName)) use(node.typeName.text);
    ts.forEachChild(node, visit);
  };
  visit(statement);
  const source = statement.getSourceFile().text;
  const start = statement.jsDoc?.[0]?.pos ?? statement.getStart();
  let text = '';
  let at = start;
  for (const [from, to, replacement] of edits.sort((a, b) => a[0] - b[0])) {
    text += source.slice(at, from) + replacement;
    at = to;
  }
  text += source.slice(at, statement.end);
  return text.replace(/^export /m, ts.isClassDeclaration(statement) ? 'declare ' : '').replace(/\n\s*\n/g, '\n');
}

function isInternal(node) {
  return (node.jsDoc ?? []).some((doc) => doc.tags?.some(({ tagName }) => tagName.text === 'internal'));
}

/** What a JSDoc comment says besides types, as a comment; or nothing. */
function documentation(doc) {
  const lines = [plain(doc.comment)];
  for (const tag of doc.tags ?? []) {
    const comment = plain(tag.comment);
    if (!comment) continue;
    if (ts.isJSDocParameterTag(tag)) lines.push(`@param ${tag.name.getText()} ${comment}`);
    else if (ts.isJSDocReturnTag(tag)) lines.push(`@returns ${comment}`);
    else lines.push(comment);
  }
  const text = lines.filter(Boolean).join('\n');
  if (!text) return '';
  const indent = ' '.repeat(doc.getSourceFile().getLineAndCharacterOfPosition(doc.pos).character);
  if (!text.includes('\n')) return `/** ${text} */`;
  return `/**\n${text.replace(/^/gm, `${indent} * `)}\n${indent} */`;
}

function plain(comment) {
  return (ts.getTextOfJSDocComment(comment) ?? '').trim();
}

/** End with an error if there is something to tell of. */
function stop(diagnostics) {
  if (!diagnostics.length) return;
  const format = { getCanonicalFileName: (path) => path, getCurrentDirectory: () => process.cwd(), getNewLine: () => '\n' };
  process.stderr.write(ts.formatDiagnostics(diagnostics, format));
  process.exit(1);
}
