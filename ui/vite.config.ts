import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// `npm run dev` serves the page from source and hands API requests to a running server.
const server = process.env.PARALLELOPEDIA_URL ?? 'http://127.0.0.1:4444';

export default defineConfig({
  base: '/',
  plugins: [react()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // the page's CSP allows no data: URLs
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { '/wiki': server, '/gpt2': server, '/stats': server } },
});
