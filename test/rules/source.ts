import * as ast from "typescript/unstable/ast";
import { createVirtualFileSystem } from "typescript/unstable/fs";
import { API, type Project } from "typescript/unstable/sync";

/** What the rules look at, in one source file. Lines count from 1. */
export interface Source {
  /** From the root of the repository, with `/`. */
  readonly path: string;
  readonly lineCount: number;
  /** Every import, export-from, `import()` and `import("x").T`, by its specifier. */
  readonly imports: readonly { readonly specifier: string; readonly line: number }[];
  readonly functions: readonly { readonly name: string; readonly line: number; readonly lineCount: number }[];
  /** Every member taken of a plain name (`process.exit`), and `new Date()`; the words of strings and comments are not code. */
  readonly uses: readonly { readonly name: string; readonly line: number }[];
}

const CONFIG = { compilerOptions: { noLib: true, noResolve: true, module: "nodenext", types: [] }, include: ["src"] };

/** Reads sources with the compiler's own parser, which runs as a process of its own until `close`. */
export interface SourceReader {
  /** Of texts by path, each below `src`. Throws on a syntax error. */
  read(texts: Readonly<Record<string, string>>): Source[];
  close(): void;
}

export function openSourceReader(): SourceReader {
  const fs = createVirtualFileSystem({});
  const api = new API({ cwd: "/", fs });
  let count = 0;
  return {
    read(texts) {
      // A project of its own for each set of texts: paths may come again.
      count += 1;
      const root = `/repo${count}`;
      const config = `${root}/tsconfig.json`;
      fs.writeFile?.(config, JSON.stringify(CONFIG));
      for (const [path, text] of Object.entries(texts)) fs.writeFile?.(`${root}/${path}`, text);
      const { program } = openProject(api, config);
      const sources = Object.keys(texts).map((path) => {
        const [broken] = program.getSyntacticDiagnostics(`${root}/${path}`);
        if (broken !== undefined) throw new Error(`${path}: ${broken.text}`);
        const file = program.getSourceFile(`${root}/${path}`);
        if (file === undefined) throw new Error(`the compiler did not read ${path}`);
        return readSource(path, file);
      });
      api.updateSnapshot({ closeProjects: [config] });
      return sources;
    },
    close: () => api.close(),
  };
}

function openProject(api: API, config: string): Project {
  const project = api
    .updateSnapshot({ openProjects: [config] })
    .getProjects()
    .find((one) => one.configFileName === config);
  if (project === undefined) throw new Error("the compiler opened no project");
  return project;
}

function readSource(path: string, file: ast.SourceFile): Source {
  const imports: Source["imports"][number][] = [];
  const functions: Source["functions"][number][] = [];
  const uses: Source["uses"][number][] = [];
  const lineAt = (position: number) => file.getLineAndCharacterOfPosition(position).line + 1;
  const startOf = (node: ast.Node) => ast.getTokenPosOfNode(node, file);

  const visit = (node: ast.Node): void => {
    const line = lineAt(startOf(node));
    const specifier = specifierOf(node);
    if (specifier !== undefined) imports.push({ specifier, line });
    if (isFunction(node)) functions.push({ name: nameOf(node), line, lineCount: lineAt(node.end) - line + 1 });
    const name = useOf(node);
    if (name !== undefined) uses.push({ name, line });
    node.forEachChild(visit);
  };
  visit(file);
  return { path, lineCount: file.text.trimEnd().split("\n").length, imports, functions, uses };
}

function specifierOf(node: ast.Node): string | undefined {
  if (ast.isImportDeclaration(node) || ast.isExportDeclaration(node)) return literalText(node.moduleSpecifier);
  if (ast.isImportTypeNode(node))
    return ast.isLiteralTypeNode(node.argument) ? literalText(node.argument.literal) : undefined;
  const dynamic = ast.isCallExpression(node) && node.expression.kind === ast.SyntaxKind.ImportKeyword;
  // A specifier that is computed could be anything: no rule lets it pass.
  return dynamic ? (literalText(node.arguments[0]) ?? "(computed)") : undefined;
}

function literalText(node: ast.Node | undefined): string | undefined {
  return node !== undefined && ast.isStringLiteral(node) ? node.text : undefined;
}

function isFunction(node: ast.Node): boolean {
  return (
    ast.isFunctionDeclaration(node) ||
    ast.isFunctionExpression(node) ||
    ast.isArrowFunction(node) ||
    ast.isMethodDeclaration(node) ||
    ast.isConstructorDeclaration(node) ||
    ast.isGetAccessorDeclaration(node) ||
    ast.isSetAccessorDeclaration(node)
  );
}

function nameOf(node: ast.Node): string {
  const { name } = node as { readonly name?: ast.Node };
  return name !== undefined && (ast.isIdentifier(name) || ast.isPrivateIdentifier(name)) ? name.text : "a function";
}

function useOf(node: ast.Node): string | undefined {
  if (ast.isPropertyAccessExpression(node)) {
    const { expression: owner, name } = node;
    if (ast.isIdentifier(owner)) return `${owner.text}.${name.text}`;
    // `globalThis.process.env` is `process.env` in a long coat.
    return ast.isPropertyAccessExpression(owner) ? `${owner.name.text}.${name.text}` : undefined;
  }
  const now = ast.isNewExpression(node) && ast.isIdentifier(node.expression) && (node.arguments?.length ?? 0) === 0;
  return now ? `new ${(node.expression as ast.Identifier).text}()` : undefined;
}
