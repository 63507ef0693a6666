// Puts a text onto the clipboard, also where the browser's own way is closed (pages without TLS).

/** @param {string} text @returns {Promise<boolean>} whether it is there */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text);
  }
}

/** @param {string} text */
function copySelected(text) {
  const before = document.activeElement;
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'vh';
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (before instanceof HTMLElement) before.focus();
  return done;
}

/** Let a button say for a moment that it has copied. @param {HTMLElement} button */
export function flash(button) {
  button.classList.add('ok');
  setTimeout(() => button.classList.remove('ok'), 1600);
}
