// What tempmail/web/vendor/lit.js is made of; see vendor.json beside it.
export * from 'lit';
export { guard } from 'lit/directives/guard.js';
export { live } from 'lit/directives/live.js';
export { repeat } from 'lit/directives/repeat.js';
