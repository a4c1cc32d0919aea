// A record that is read by a word from outside also finds what every object inherits: `constructor`, `toString`, `__proto__`.
import { join, relative, resolve } from "node:path";
import ts from "typescript";

/**
 * Every place in `src` that reads or writes a record by a word that the program does not write out itself, one line each.
 * Allowed are a Map, `ownValue`, `Object.hasOwn(record, key) ? record[key] : ...`, a number, and a key whose type lists its words.
 */
export function checkRecordLookups(): readonly string[] {
  const root = resolve(".");
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
  const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const files = fileNames.filter((file) => relative(root, file).startsWith("src/"));
  const program = ts.createProgram({ rootNames: files, options });
  const checker = program.getTypeChecker();
  const sources = program.getSourceFiles().filter(({ fileName }) => relative(root, fileName).startsWith("src/"));
  return sources.flatMap((source) => lookupsIn(source, relative(root, source.fileName), checker));
}

function lookupsIn(source: ts.SourceFile, file: string, checker: ts.TypeChecker): readonly string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (keysOf(node).some((key) => isOpen(checker.getTypeAtLocation(key))) && !isGuarded(node, source)) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
      found.push(`record-lookups: ${file}:${line + 1}: ${node.getText(source)}: use a Map or ownValue`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** By what a piece of code looks into an object: `object[key]`, `key in object`, `const { [key]: value } = object`. */
function keysOf(node: ts.Node): readonly ts.Node[] {
  if (ts.isElementAccessExpression(node)) return [node.argumentExpression];
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.InKeyword) return [node.left];
  if (!ts.isObjectBindingPattern(node)) return [];
  const names = node.elements.flatMap(({ propertyName }) => (propertyName === undefined ? [] : [propertyName]));
  return names.filter(ts.isComputedPropertyName).map(({ expression }) => expression);
}

/** Whether a key may be any word: it is no number or symbol, and its type does not list the words. */
function isOpen(key: ts.Type): boolean {
  if (key.isUnion()) return key.types.some(isOpen);
  return (key.flags & (ts.TypeFlags.StringLiteral | ts.TypeFlags.NumberLike | ts.TypeFlags.ESSymbolLike)) === 0;
}

/** `Object.hasOwn(record, key) ? record[key] : ...` */
function isGuarded(node: ts.Node, source: ts.SourceFile): boolean {
  const { parent } = node;
  if (!ts.isElementAccessExpression(node) || !ts.isConditionalExpression(parent) || parent.whenTrue !== node)
    return false;
  const record = node.expression.getText(source);
  return parent.condition.getText(source) === `Object.hasOwn(${record}, ${node.argumentExpression.getText(source)})`;
}
