import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

// `npm run dev` serves the page from source and hands API requests to a running server.
const server = process.env.PARALLELOPEDIA_URL ?? 'http://127.0.0.1:4444';

// Bootstrap draws arrows, ticks and crosses with data: URLs, which the server's CSP forbids. Those
// that the page shows are drawn in style.css.
const noDataUrls: Plugin = {
  name: 'no-data-urls',
  enforce: 'pre',
  transform: (code, id) =>
    id.includes('/bootstrap/') && id.endsWith('.css')
      ? { code: code.replace(/url\("data:[^"]*"\)/g, 'none'), map: null }
      : undefined,
};

export default defineConfig({
  base: '/',
  plugins: [noDataUrls, react()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // the page's CSP allows no data: URLs
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: { input: ['index.html', 'read.html'] }, // the app; a frame the server fills in
  },
  server: { proxy: { '/api': server, '^/w/': server, '/wiki': server, '/read': server, '/images': server, '/gpt2': server, '/v1': server, '/stats': server } },
});
