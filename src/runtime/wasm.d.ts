/** What workerd's and bundlers' module imports of a .wasm file give. */
declare module '*.wasm' {
  const module: WebAssembly.Module;
  export default module;
}
