import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { reason, type UploadProgress, uploadBlob } from "@threed/client";
import { connected, skip } from "./server.js";
import { triangleGlb } from "./triangle.js";

// Four chunks of 1 MiB and a rest.
const MODEL = triangleGlb(4 << 20);

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** A fetch that breaks on chosen chunks (0 is the first sent): before the server has the chunk, or after. */
function breaking(when: "before" | "after", ...chunks: number[]): typeof globalThis.fetch {
  let sent = -1;
  return async (input, init) => {
    const breaks = String(input).endsWith("/UploadChunk") && chunks.includes(++sent);
    if (breaks && when === "before") throw new TypeError("the line broke");
    const answer = await fetch(input, init);
    if (breaks) throw new TypeError("the line broke");
    return answer;
  };
}

for (const when of ["before", "after"] as const) {
  test(`an upload goes on when the line breaks ${when} a chunk was stored`, { skip }, async () => {
    // Given a line that breaks at the second chunk, and again at its repetition
    const client = connected({ fetch: breaking(when, 1, 2) });
    const seen: number[] = [];

    // When a blob is sent
    const asset = await uploadBlob(client, new Blob([MODEL]), "large.glb", {
      onProgress: (progress) => seen.push(progress.committed),
    });

    // Then the asset has the digest of the whole, and the progress never went back
    assert.equal(asset.sha256, sha256(MODEL));
    assert.equal(seen[0], 0);
    assert.equal(seen.at(-1), MODEL.length);
    assert.deepEqual(seen, [...seen].sort((a, b) => a - b));
  });
}

test("an upload that was ended early goes on by its id", { skip }, async () => {
  // Given an upload that was ended after two chunks
  const client = connected();
  const ending = new AbortController();
  let last: UploadProgress | undefined;
  const onProgress = (progress: UploadProgress) => {
    last = progress;
    if (progress.committed >= 2 << 20) ending.abort();
  };
  await assert.rejects(uploadBlob(client, MODEL, "large.glb", { onProgress, signal: ending.signal }), {
    name: "AbortError",
  });
  assert.equal(last?.committed, 2 << 20);

  // When the same bytes are uploaded with its id
  const seen: number[] = [];
  const asset = await uploadBlob(client, MODEL, "large.glb", {
    uploadId: last.uploadId,
    onProgress: (progress) => seen.push(progress.committed),
  });

  // Then only the rest was sent
  assert.equal(seen[0], 2 << 20);
  assert.equal(asset.sha256, sha256(MODEL));
});

test("a line that stays broken is told in the end", { skip }, async () => {
  const all = Array.from({ length: 100 }, (_, index) => index);

  await assert.rejects(
    uploadBlob(connected({ fetch: breaking("before", ...all) }), MODEL, "large.glb", { patienceMs: 600 }),
    /the line broke/,
  );
});

test("a file that is no model is refused without another try", { skip }, async () => {
  await assert.rejects(
    uploadBlob(connected(), new TextEncoder().encode("%PDF-1.7"), "chair.glb"),
    (error) => reason(error) === "FILE_FORMAT_UNKNOWN",
  );
});
