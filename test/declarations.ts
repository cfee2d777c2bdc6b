import { type InterfaceDeclaration, type JSDocableNode, Project, type SourceFile } from 'ts-morph';

/** A comment, taken apart: its text, and the text of its tags by their names. */
export interface DeclaredComment {
  readonly text: string;
  readonly tags: readonly { readonly name: string; readonly text: string }[];
}

/** A member of an interface. */
interface DeclaredMember {
  readonly name: string;
  readonly optional: boolean;
  readonly type: string;
  readonly comment: DeclaredComment | undefined;
}

/** What a file of generated code declares and imports, as the compiler's own parser reads it. */
export interface Declarations {
  /** The names that it exports, in order. A name that is a type and a value stands here once. */
  readonly exported: readonly string[];
  readonly interfaces: ReadonlyMap<string, DeclaredInterface>;
  /** The text of each type alias, without its line breaks. */
  readonly aliases: ReadonlyMap<string, { readonly type: string; readonly comment: DeclaredComment | undefined }>;
  /** Where it imports from. */
  readonly imports: readonly string[];
}

interface DeclaredInterface {
  readonly bases: readonly string[];
  readonly members: ReadonlyMap<string, DeclaredMember>;
  readonly comment: DeclaredComment | undefined;
}

const project = new Project({ useInMemoryFileSystem: true, compilerOptions: { noLib: true } });

/** Reads generated code. */
export function declarationsIn(text: string): Declarations {
  const file = project.createSourceFile('file.ts', text, { overwrite: true });
  try {
    return describe(file);
  } finally {
    project.removeSourceFile(file);
  }
}

function describe(file: SourceFile): Declarations {
  return {
    exported: [...file.getExportedDeclarations().keys()],
    interfaces: new Map(file.getInterfaces().map((declared) => [declared.getName(), interfaceOf(declared)])),
    aliases: new Map(
      file.getTypeAliases().map((alias) => {
        const type = alias.getTypeNodeOrThrow().getText().replace(/\s+/g, ' ').replace(/^\| /, '');
        return [alias.getName(), { type, comment: commentOf(alias) }];
      }),
    ),
    imports: file.getImportDeclarations().map((declaration) => declaration.getModuleSpecifierValue()),
  };
}

function interfaceOf(declared: InterfaceDeclaration): DeclaredInterface {
  return {
    bases: declared.getExtends().map((base) => base.getText()),
    members: new Map(
      declared.getProperties().map((property) => {
        const node = property.getNameNode();
        const name = 'getLiteralText' in node ? node.getLiteralText() : property.getName();
        const type = property.getTypeNodeOrThrow().getText();
        return [name, { name, optional: property.hasQuestionToken(), type, comment: commentOf(property) }];
      }),
    ),
    comment: commentOf(declared),
  };
}

/** The last comment before a declaration counts; generated code never has two. */
function commentOf(declaration: JSDocableNode): DeclaredComment | undefined {
  const comments = declaration.getJsDocs();
  if (comments.length > 1) throw new Error(`two comments: ${comments.map((comment) => comment.getText()).join('\n')}`);
  const [comment] = comments;
  return (
    comment && {
      text: comment.getDescription().trim(),
      tags: comment.getTags().map((tag) => ({ name: tag.getTagName(), text: tag.getCommentText()?.trim() ?? '' })),
    }
  );
}
