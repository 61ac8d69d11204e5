import { Code, ConnectError } from "@connectrpc/connect";

import { reason } from "./errors.js";

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 8_000;

// What is said of a chunk whose bytes or whose answer were lost (the committed size tells where to go on), and by a
// server or a gateway that has too much to do.
const PASSING = new Set([
  "DEADLINE_EXCEEDED",
  "RATE_LIMITED",
  "REQUEST_TIMEOUT",
  "TOO_MANY_WATCHERS",
  "UNAVAILABLE",
  "UPLOAD_CHUNK_CORRUPT",
  "UPLOAD_OFFSET_MISMATCH",
]);
// Codes that a broken line, a gateway without a server, or a fetch that failed are told by.
const BROKEN = new Set([Code.Unavailable, Code.Unknown, Code.Internal, Code.DeadlineExceeded]);

/** How long to go on through breaks: until `limitMs` have passed since the last success. */
export class Patience {
  #pauseMs = FIRST_PAUSE_MS;
  #since = Date.now();

  constructor(
    private readonly limitMs: number,
    private readonly signal?: AbortSignal,
  ) {}

  /** Something came through. */
  renew(): void {
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#since = Date.now();
  }

  /** Waits before the next try, longer each time. Throws the error where trying again cannot help, or helped too long. */
  async wait(error: unknown): Promise<void> {
    this.signal?.throwIfAborted();
    if (!passes(error) || Date.now() + this.#pauseMs > this.#since + this.limitMs) throw error;
    await paused(this.#pauseMs, this.signal);
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    this.signal?.throwIfAborted();
  }
}

function passes(error: unknown): boolean {
  if (!(error instanceof ConnectError)) return false;
  const why = reason(error);
  return why ? PASSING.has(why) : BROKEN.has(error.code);
}

/** Waits, or ends early without an error when the signal comes. */
function paused(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener("abort", end);
  });
}
