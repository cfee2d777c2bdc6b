import type { Diagnostic } from '../generator/text/diagnostic.js';
import { type Colours, noColours, terminalColours } from '../generator/text/report/colours.js';
import { countOf, pretty } from '../generator/text/report/pretty.js';
import { type Host, type Output, wantsColours } from './host.js';

/** The colours for what is printed there. */
export function coloursFor(output: Output, env: Host['env']): Colours {
  return wantsColours(output, env) ? terminalColours : noColours;
}

/** Prints diagnostics for people, and how many there are. */
export function printDiagnostics(diagnostics: readonly Diagnostic[], output: Output, env: Host['env']): void {
  output.write(diagnosticsText(diagnostics, output, env));
}

/** What {@link printDiagnostics} prints. */
export function diagnosticsText(diagnostics: readonly Diagnostic[], output: Output, env: Host['env']): string {
  if (diagnostics.length === 0) return '';
  const colours = coloursFor(output, env);
  const texts = diagnostics.map((diagnostic) => `${pretty(diagnostic, colours)}\n`);
  return `${texts.join('')}${countOf(diagnostics)}\n`;
}
