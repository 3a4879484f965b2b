/** Export of a .wasm file, as workerd's and bundlers' module imports have it. */
declare module '*.wasm' {
  const module: WebAssembly.Module;
  export default module;
}
