import { isJsonObject, type JsonObject } from '../../json/value.js';
import type { OlderForms } from '../../qmp/server/older-forms.js';

/** Arguments that the schema of 2016 had at another level than today's. */
export const olderForms: OlderForms = {
  /** `{ options: { … } }`, before 2.9. */
  'blockdev-add': ({ options, ...rest }) => (isJsonObject(options) && isEmpty(rest) ? options : undefined),
  /** `{ qom-type, id, props: { … } }`, before 6.0. */
  'object-add': ({ props, ...rest }) => (isJsonObject(props) ? { ...props, ...rest } : undefined),
};

function isEmpty(object: JsonObject): boolean {
  return Object.keys(object).length === 0;
}
