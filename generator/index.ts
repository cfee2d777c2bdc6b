/**
 * The library: reads, checks, compares and prints QAPI schemas, and generates TypeScript from them.
 *
 * @example
 * ```ts
 * import { formatDiagnostic, generate, loadSchema, writeFiles } from 'qapi-ts';
 *
 * const { schema, diagnostics } = await loadSchema('qapi/qapi-schema.json');
 * for (const diagnostic of diagnostics) console.error(formatDiagnostic(diagnostic));
 * if (schema) writeFiles('src/generated', generate(schema, { int64: 'bigint' }));
 * ```
 *
 * @module
 */

export type {
  Change,
  ChangeBranch,
  ChangeSeverity,
  ChangeUse,
  Direction,
  Role,
} from './compare/change.js';
export { type CompareSchemasOptions, compareSchemas } from './compare/compare.js';
export { type ChangeKind, type ChangeKindRow, changeKinds, type Verdict } from './compare/kinds.js';
export { type ChangeJson, type ChangePlaceJson, changeAsJson } from './compare/report/json.js';
export { type Config, defineConfig } from './config.js';
export { generate, incrementalGenerator, targetNames } from './emit/generate.js';
export type { EmitOptions, ImportExtension, Int64Mode } from './emit/options.js';
export { checkFiles, type Difference } from './emit/output/check.js';
export { OutputError } from './emit/output/folder.js';
export { codeFolder, type OutputKind, pageFolder } from './emit/output/kinds.js';
export { type WriteResult, writeFiles } from './emit/output/write.js';
export { generateReleases } from './emit/releases/generate-releases.js';
export type { Release } from './emit/releases/versions.js';
export type { OldSchema } from './emit/site/marks.js';
export { documentationSite, type SiteOptions } from './emit/site/site.js';
export type { GeneratedFile } from './emit/target.js';
export {
  type CompareOptions,
  compareIntrospection,
  type IntrospectionDifference,
  type MissingPart,
} from './schema/compare.js';
export { describeCondition } from './schema/condition.js';
export { schemaFromIntrospection } from './schema/from-introspection.js';
export { type IntrospectOptions, introspect, type SchemaInfo, type SchemaInfoMember } from './schema/introspect.js';
export { type Ir, type IrEntity, modelAsJson } from './schema/ir.js';
export { checkSchema, type LoadedSchema, loadSchema, type SchemaOptions } from './schema/load.js';
export { findMissing } from './schema/missing.js';
export type * from './schema/model.js';
export { printSchema } from './schema/print.js';
export { type Selection, selectSchema } from './schema/select.js';
export { Dialect, dialectNames } from './syntax/dialect.js';
export type { DocArgument, DocBlock, DocSection } from './syntax/doc-block.js';
export { type FileHost, memoryHost, nodeHost } from './syntax/host.js';
export {
  type Diagnostic,
  type DiagnosticName,
  type EnclosingDefinition,
  isError,
  placeOf,
  type RelatedPlace,
  type Severity,
} from './text/diagnostic.js';
export { type Colours, noColours, terminalColours } from './text/report/colours.js';
export { githubAnnotation } from './text/report/github.js';
export { type DiagnosticJson, diagnosticAsJson, type PlaceJson } from './text/report/json.js';
export { pretty as formatDiagnostic } from './text/report/pretty.js';
export type { Position, SourceFile, Span } from './text/source-file.js';
