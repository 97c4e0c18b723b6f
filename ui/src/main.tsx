// main.tsx -- where the page starts.
import 'bootstrap/dist/css/bootstrap.min.css';
import './style.css';
import './article.css';

import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import App from './App';
import { resume, watchScroll } from './route';

resume();
watchScroll();

const root = document.getElementById('root');
if (root)
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
