import type { DocBlock } from '../../syntax/doc-block.js';
import { type Diagnostic, diagnostic } from '../../text/diagnostic.js';
import type { Schema } from '../model.js';
import { MessageReader } from './meaning.js';
import { messagesOf } from './messages.js';

/**
 * Checks the examples in a schema's documentation: the messages behind `->` and `<-` are JSON, and what the schema describes.
 * Messages with `...`, which stands for something that is left out, are not looked at.
 */
export function checkExamples(schema: Schema): Diagnostic[] {
  return schema.modules.flatMap(({ docs }) => docs.flatMap((block) => checkBlock(schema, block)));
}

function checkBlock(schema: Schema, block: DocBlock): Diagnostic[] {
  const reader = new MessageReader(schema);
  const definition = block.symbol && { definition: { name: block.symbol.name, span: block.span } };
  return messagesOf(block).flatMap(({ message, span }) => {
    const meaning = reader.read(message);
    return meaning.kind === 'fault' ? [diagnostic(meaning.name, meaning.parameters, span, definition)] : [];
  });
}
