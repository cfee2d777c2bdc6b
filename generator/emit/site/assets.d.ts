/** The text of a style sheet. */
declare module '*.css?text' {
  const text: string;
  export default text;
}

/** A program for a browser, bundled into one script. */
declare module '*.ts?script' {
  const text: string;
  export default text;
}
