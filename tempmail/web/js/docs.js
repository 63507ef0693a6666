// What the guide's pages do: a button that copies each block of code, and / for the search.
import { copyText, flash } from './copy.js';
import { t, words } from './i18n.js';

words({
  'docs.copy': 'Copy code',
  'docs.copied': 'Copied',
});

const SVG = 'http://www.w3.org/2000/svg';

/** @param {string} name */
function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'i');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `#i-${name}`);
  svg.append(use);
  return svg;
}

/** A block of code. */
class Code extends HTMLElement {
  connectedCallback() {
    if (this.querySelector('button')) return;
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'btn icon';
    button.setAttribute('aria-label', t('docs.copy'));
    button.title = t('docs.copy');
    button.append(icon('copy'));
    const said = document.createElement('span');
    said.className = 'vh';
    said.setAttribute('role', 'status');
    button.addEventListener('click', async () => {
      const done = await copyText(this.querySelector('code')?.textContent ?? '');
      said.textContent = t(done ? 'docs.copied' : 'notCopied');
      if (done) flash(button);
    });
    this.append(button, said);
  }
}

customElements.define('tm-code', Code);

addEventListener('keydown', (event) => {
  const typing = event.target instanceof HTMLInputElement;
  if (event.key !== '/' || typing || event.metaKey || event.ctrlKey || event.altKey) return;
  event.preventDefault();
  document.getElementById('q')?.focus();
});
