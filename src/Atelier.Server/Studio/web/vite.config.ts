import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// The names of the built files are fixed, so that a build of the same sources gives the same files, which the server
// embeds. The server sends an ETag, therefore names need no hashes.
export default defineConfig({
  base: "./",
  plugins: [svelte()],
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    // the first browsers that know the CSS function light-dark()
    target: ["chrome123", "firefox121", "safari17.5"],
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    // the polyfill and the hints for preloading would only matter to browsers that lack modules anyway
    modulePreload: false,
    rolldownOptions: {
      output: {
        entryFileNames: "assets/studio.js",
        chunkFileNames: (chunk) => `assets/${chunk.name.toLowerCase()}.js`,
        assetFileNames: (asset) => (asset.names[0]?.endsWith(".css") ? "assets/studio.css" : "assets/[name][extname]"),
      },
    },
  },
});
