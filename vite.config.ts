import { fileURLToPath } from 'node:url'
import { svelte, vitePreprocess } from '@sveltejs/vite-plugin-svelte'
import { VitePWA } from 'vite-plugin-pwa'
import { defineConfig } from 'vitest/config'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  root: here('./client'),
  cacheDir: here('./node_modules/.vite'),
  resolve: { dedupe: ['yjs', 'dexie'] },
  build: { outDir: here('./dist/client'), emptyOutDir: true, target: 'baseline-widely-available', sourcemap: true },
  server: {
    proxy: {
      '/api': 'http://127.0.0.1:8787',
      '/self-service/api': 'http://127.0.0.1:8787',
      '/icons': 'http://127.0.0.1:8787',
      '/sync': { target: 'ws://127.0.0.1:8787', ws: true },
    },
  },
  plugins: [
    svelte({ preprocess: vitePreprocess() }),
    VitePWA({
      strategies: 'injectManifest',
      srcDir: '.',
      filename: 'service-worker.ts',
      registerType: 'prompt',
      injectRegister: false,
      manifest: {
        name: 'Quartermaster',
        short_name: 'Quartermaster',
        description: 'App licenses of an organisation: bought, in use, available.',
        start_url: '/',
        display: 'standalone',
        theme_color: '#ffffff',
        background_color: '#ffffff',
        icons: [{ src: '/icon.svg', sizes: 'any', type: 'image/svg+xml', purpose: 'any' }],
      },
      // iife keeps the worker a classic script, which every browser registers.
      injectManifest: { rollupFormat: 'iife', globPatterns: ['**/*.{js,css,html,svg,woff2,webmanifest}'] },
    }),
  ],
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          root: here('.'),
          environment: 'node',
          include: ['tests/**/*.test.ts'],
          exclude: ['tests/browser/**', 'tests/simulation/**', 'tests/conformance/**', 'node_modules/**'],
        },
      },
      {
        extends: true,
        test: {
          name: 'simulation',
          root: here('.'),
          environment: 'node',
          include: ['tests/simulation/**/*.test.ts'],
          // Each takes all cores for itself. The limits are for a machine that is busy otherwise.
          fileParallelism: false,
          testTimeout: 1_200_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          root: here('.'),
          environment: 'node',
          include: ['tests/browser/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
