# Runs worker.js, bundled, on http://127.0.0.1:8787/?text=a+cat, with a model that some server has at MODEL.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
  ],
  sockets = [(name = "http", address = "127.0.0.1:8787", http = (), service = "main")],
);

const worker :Workerd.Worker = (
  # The kernels lie where heed's modules look for them: one folder up, in wasm.
  modules = [
    (name = "bundle/worker.js", esModule = embed "bundle/worker.js"),
    (name = "wasm/simd.wasm", wasm = embed "wasm/simd.wasm"),
    (name = "wasm/relaxed.wasm", wasm = embed "wasm/relaxed.wasm"),
  ],
  bindings = [(name = "MODEL", fromEnvironment = "MODEL")],
  compatibilityDate = "2026-11-01",
);
