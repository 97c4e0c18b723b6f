// main.tsx -- where the page starts.
import 'bootstrap/dist/css/bootstrap.min.css';
import './style.css';
import './article.css';
import './content.css';

import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import App from './App';
import { watchScroll } from './route';

watchScroll();

const root = document.getElementById('root');
if (root)
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
