// Prints for each line of stdin, a JSON string with a script, what the script says: its syntax tree without the places in the file,
// what it imports by path, and what it exports. In templates tagged `html` the indentation does not count.
// Run with the folder of the package `typescript` as the argument.

import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const ts = createRequire(import.meta.url)(process.argv[2]);
const TEMPLATE_PARTS = new Set([
  ts.SyntaxKind.NoSubstitutionTemplateLiteral,
  ts.SyntaxKind.TemplateHead,
  ts.SyntaxKind.TemplateMiddle,
  ts.SyntaxKind.TemplateTail,
]);

function text(node, isHtml) {
  if (node.kind > ts.SyntaxKind.LastToken) return ''; // an empty block, where a comment may be
  return TEMPLATE_PARTS.has(node.kind) && isHtml ? node.rawText.replace(/\s*\n\s*/g, '\n') : node.getText();
}

function tree(node, isHtml) {
  const children = [];
  const inner = ts.isTaggedTemplateExpression(node) ? node.tag.getText() === 'html' : isHtml;
  ts.forEachChild(node, (child) => {
    children.push(tree(child, inPart(node, child) ? inner : false)); // forEachChild ends where this returns something
  });
  return children.length ? [ts.SyntaxKind[node.kind], ...children] : [ts.SyntaxKind[node.kind], text(node, isHtml)];
}

/** Whether *child* is a part of the template that *node* is or begins, and no code in it. */
function inPart(node, child) {
  const isTemplate = ts.isTaggedTemplateExpression(node) && child === node.template;
  return isTemplate || TEMPLATE_PARTS.has(child.kind) || ts.isTemplateSpan(child);
}

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
  const found = {
    faults: file.parseDiagnostics.map(({ messageText }) => messageText),
    tree: tree(file, false),
    imports: file.statements.flatMap(imported),
    exports: file.statements.flatMap(exported),
  };
  console.log(JSON.stringify(found));
}
