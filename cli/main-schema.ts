/** Where the source tree of a release has its main schema: up to 2.11 at the top. */
export const mainSchemas = ['qapi/qapi-schema.json', 'qapi-schema.json'] as const;
