/** A precompiled template: what it prints for a context. */
declare module '*.hbs' {
  const render: (context: unknown) => string;
  export default render;
}
