// Runs in the document's head, before anything is painted: no flash of another theme or view, and
// the token of an opened link is out of the address bar and the history at once.
try {
  const root = document.documentElement;
  const theme = localStorage.getItem('theme');
  if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
  if (location.hash.startsWith('#k=')) {
    window.openedLink = location.hash;
    history.replaceState(null, '', location.pathname);
  }
  if (root.dataset.page === 'inbox' && (window.openedLink || localStorage.getItem('inboxes'))) {
    root.dataset.view = 'inbox';
  }
} catch {}
