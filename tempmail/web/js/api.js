// Requests to the API, and what it refuses.

/**
 * @typedef {{token?: string | null, body?: unknown, signal?: AbortSignal, keepalive?: boolean,
 *   headers?: Record<string, string>}} Options
 */

/** Milliseconds by which its clock, told in whole seconds, and ours may differ unnoticed. */
export const UNSURE = 3000;

/** What the service says of itself with each answer. */
export const service = {
  /** Milliseconds that its clock is ahead of ours; 0 where that is too little to tell. */
  ahead: 0,
  /** Requests that we may still make in this minute. */
  remaining: Number.POSITIVE_INFINITY,
};

/** A request that was refused; status 0 where nobody answered. */
export class Refusal extends Error {
  /** @param {number} status @param {string} code @param {string} detail @param {number} [retryAfter] seconds */
  constructor(status, code, detail, retryAfter = 0) {
    super(detail);
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.retryAfter = retryAfter;
  }
}

/**
 * Ask the API; a credential that is not given is the browser's own, where somebody is signed in.
 * @param {string} method
 * @param {string} path below /api/v1
 * @param {Options} [options]
 * @returns {Promise<Response>}
 * @throws {Refusal}
 */
export async function ask(method, path, { token, body, signal, keepalive, headers } = {}) {
  /** @type {Record<string, string>} */
  const sent = { ...headers };
  if (token) sent.Authorization = `Bearer ${token}`;
  if (body !== undefined) sent['Content-Type'] = 'application/json';
  let answer;
  try {
    answer = await fetch(`/api/v1${path}`, {
      method,
      headers: sent,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      keepalive,
      cache: 'no-store',
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refusal(0, 'unreachable', String(error));
  }
  learn(answer);
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  const wait = Number(answer.headers.get('Retry-After')) || 0;
  throw new Refusal(answer.status, problem.code ?? '', problem.detail ?? answer.statusText, wait);
}

/**
 * The same, for what it answers as JSON (null where there is no body).
 * @param {string} method @param {string} path @param {Options} [options]
 * @returns {Promise<any>}
 */
export async function api(method, path, options) {
  const answer = await ask(method, path, options);
  if (answer.status === 204) return null;
  try {
    return await answer.json();
  } catch (error) {
    if (options?.signal?.aborted) throw error;
    throw new Refusal(0, 'unreachable', String(error)); // cut off on its way
  }
}

/** @param {Response} answer */
function learn(answer) {
  const date = Date.parse(answer.headers.get('Date') ?? '');
  if (!Number.isNaN(date)) {
    const ahead = date - Date.now();
    service.ahead = Math.abs(ahead) > UNSURE ? ahead : 0;
  }
  const remaining = answer.headers.get('RateLimit-Remaining');
  if (remaining !== null) service.remaining = Number(remaining);
}
