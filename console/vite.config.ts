import { join } from "node:path";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const GATEWAY = process.env.GATEWAY_URL ?? "http://localhost:8089";

/** What the page asks of the service: everything but itself. */
const SERVICE =
  "^/(session|people|confirm|tasks|plan|events|artifacts|stop|resume|ready|capabilities|grants|desktops|policy|audit|keys|statistics)(/|\\?|$)";

/** Builds the console into dist/console; scripts/build.ts says where. As a server: `npm run dev`. */
export default defineConfig({
  root: import.meta.dirname,
  base: "/console/",
  plugins: [react()],
  build: {
    outDir: join(import.meta.dirname, "../dist/console"),
    emptyOutDir: false,
    target: "es2023",
    // The policy of the page knows no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
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
