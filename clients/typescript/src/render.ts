import { Code, ConnectError } from "@connectrpc/connect";

import type { Client } from "./client.js";
import { RenderJob_Status, type WatchRenderJobResponse } from "./gen/threed/v1/render_jobs_pb.js";
import { Patience } from "./patience.js";

const PATIENCE_MS = 120_000;
const FINAL = new Set([RenderJob_Status.COMPLETED, RenderJob_Status.FAILED, RenderJob_Status.CANCELLED]);

/** What may be said of a watch beside the job. */
export interface FollowOptions {
  /** Small pictures of how far it is, in `preview` of some messages. */
  readonly previews?: boolean;
  /** Of the last message that was seen before, by a page that was closed: goes on from there. */
  readonly resumeToken?: string;
  /** Ends the watch early, not the job. */
  readonly signal?: AbortSignal;
  /** How long to go on while nothing comes through, in milliseconds. Default: two minutes. */
  readonly patienceMs?: number;
}

/**
 * Every change of a render job until it is COMPLETED, FAILED or CANCELLED, the present first.
 *
 * Goes on through breaks from the last message that came, so no status is missed and none comes twice. Throws the
 * ConnectError of a refusal, or the last one when nothing came through for `patienceMs`.
 */
export async function* followRender(
  client: Pick<Client, "renders">,
  jobId: string,
  options: FollowOptions = {},
): AsyncGenerator<WatchRenderJobResponse, void> {
  const patience = new Patience(options.patienceMs ?? PATIENCE_MS, options.signal);
  const request = { jobId, previews: options.previews ?? false, resumeToken: options.resumeToken ?? "" };
  const calling = options.signal ? { signal: options.signal } : {};
  for (let seen = -1n; ; ) {
    try {
      for await (const change of client.renders.watchRenderJob(request, calling)) {
        patience.renew();
        request.resumeToken = change.resumeToken;
        const last = FINAL.has(change.renderJob?.status ?? RenderJob_Status.STATUS_UNSPECIFIED);
        if (change.sequence > seen || last) {
          seen = change.sequence;
          yield change;
        }
        if (last) return;
      }
      throw new ConnectError("The watch ended before the last change.", Code.Unavailable);
    } catch (error) {
      await patience.wait(error);
    }
  }
}
