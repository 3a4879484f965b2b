/** The program that a runtime's main runs: bundleProgram puts it in its place. */
declare module 'program' {
  const program: import('./check.js').Program;
  export default program;
}
