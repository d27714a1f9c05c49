import { join } from "node:path";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const GATEWAY = process.env.GATEWAY_URL ?? "http://localhost:8089";

/** What the page asks of the service: everything but itself. */
const SERVICE =
  "^/(session|people|confirm|tasks|plan|events|artifacts|stop|resume|ready|capabilities|grants|desktops|policy|audit|keys|statistics)(/|\\?|$)";

/** The gateway serves the page under these two as well; Vite knows it under its base alone. */
const addresses: Plugin = {
  name: "addresses-of-the-page",
  configureServer({ middlewares }) {
    middlewares.use((request, _response, next) => {
      request.url = request.url?.replace(/^\/(?:console|approvals\/[^/?]+)(?=$|\?)/, "/console/");
      next();
    });
  },
};

/** Builds the console into dist/console; scripts/build.ts says where. As a server: `npm run dev`. */
export default defineConfig({
  root: import.meta.dirname,
  base: "/console/",
  plugins: [react(), addresses],
  build: {
    outDir: join(import.meta.dirname, "../dist/console"),
    emptyOutDir: false,
    target: "es2023",
    // The policy of the page knows no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    license: { fileName: "licenses.md" },
  },
  server: {
    port: 5173,
    strictPort: true,
    proxy: {
      [SERVICE]: {
        target: GATEWAY,
        ws: true,
      },
    },
  },
});
