# Runs the built Worker in workerd, on http://127.0.0.1:8787, within an isolate's 128 MB: V8 gets 48 MB for objects and 64 MiB for each WebAssembly memory.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  v8Flags = ["--max-heap-size=48", "--wasm-max-mem-pages=1024"],
  services = [(name = "main", worker = .worker), (name = "assets", disk = "assets")],
  sockets = [(name = "http", address = "127.0.0.1:8787", http = (), service = "main")],
);

const worker :Workerd.Worker = (
  # The kernels, and decoders of pictures, lie where heed's modules look for them: one folder up, in wasm.
  modules = [
    (name = "bundle/worker.js", esModule = embed "bundle/worker.js"),
    (name = "wasm/simd.wasm", wasm = embed "wasm/simd.wasm"),
    (name = "wasm/relaxed.wasm", wasm = embed "wasm/relaxed.wasm"),
    (name = "wasm/jpeg.wasm", wasm = embed "wasm/jpeg.wasm"),
    (name = "wasm/webp.wasm", wasm = embed "wasm/webp.wasm"),
  ],
  bindings = [(name = "ASSETS", service = "assets")],
  compatibilityDate = "2026-11-01",
);
