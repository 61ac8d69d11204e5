import type { MessageInitShape } from "@bufbuild/protobuf";

import type { Client } from "./client.js";
import { crc32c } from "./crc32c.js";
import type { Asset } from "./gen/threed/v1/assets_pb.js";
import type { Upload, UploadSchema } from "./gen/threed/v1/uploads_pb.js";
import { Patience } from "./patience.js";

const CHUNK_BYTES = 1 << 20;
const PATIENCE_MS = 120_000;
// A line that died without a word is noticed by this: 1 MiB comes through in time above 140 kbit/s.
const CHUNK_TIMEOUT_MS = 60_000;

/** How far an upload is. */
export interface UploadProgress {
  /** Keep it to go on after the page was closed; see `UploadOptions.uploadId`. */
  readonly uploadId: string;
  /** Bytes that the server has stored durably. */
  readonly committed: number;
  /** Bytes of the whole file. */
  readonly total: number;
}

/** What may be said of an upload beside its bytes and its name. */
export interface UploadOptions {
  /** Called when the upload was created or found, and after each chunk. */
  readonly onProgress?: (progress: UploadProgress) => void;
  /** Ends the upload early. What is committed stays until the upload expires. */
  readonly signal?: AbortSignal;
  /** An upload of the same bytes that was begun before: goes on from what is committed. */
  readonly uploadId?: string;
  /** Default: the file name. */
  readonly displayName?: string;
  /** The caller's own labels. */
  readonly tags?: string[];
  /** How long to go on while nothing comes through, in milliseconds. Default: two minutes. */
  readonly patienceMs?: number;
}

/**
 * Sends bytes in chunks of 1 MiB, each with its CRC32C, and returns the asset that they became, as UPLOADED.
 *
 * Goes on through breaks from what the server has stored. A Blob or File is read chunk by chunk, never as a whole.
 * Throws the ConnectError of a refusal (`reason(error)` says which), or the last one when nothing came through for
 * `patienceMs`.
 */
export async function uploadBlob(
  client: Client,
  data: Blob | Uint8Array,
  filename: string,
  options: UploadOptions = {},
): Promise<Asset> {
  const patience = new Patience(options.patienceMs ?? PATIENCE_MS, options.signal);
  const total = data instanceof Blob ? data.size : data.length;
  const wanted = {
    filename,
    sizeBytes: BigInt(total),
    displayName: options.displayName ?? "",
    tags: options.tags ?? [],
  };
  let upload = await persist(patience, begin(client, wanted, options));
  const report = () =>
    options.onProgress?.({ uploadId: upload.uploadId, committed: Number(upload.committedSize), total });
  for (report(); Number(upload.committedSize) < total; report()) {
    try {
      upload = await sendChunk(client, upload, data, options);
      patience.renew();
    } catch (error) {
      await patience.wait(error);
      upload = await persist(patience, () => client.uploads.getUpload({ uploadId: upload.uploadId }, calling(options)));
    }
  }
  return persist(patience, () => client.uploads.finalizeUpload({ uploadId: upload.uploadId }, calling(options)));
}

function begin(client: Client, upload: MessageInitShape<typeof UploadSchema>, options: UploadOptions) {
  const uploadId = options.uploadId;
  if (uploadId) return () => client.uploads.getUpload({ uploadId }, calling(options));
  // The same id in each try: a repeated one finds the upload that the first one made.
  const request = { upload, requestId: uuid4() };
  return () => client.uploads.createUpload(request, calling(options));
}

async function sendChunk(client: Client, upload: Upload, data: Blob | Uint8Array, options: UploadOptions): Promise<Upload> {
  const start = Number(upload.committedSize);
  const end = start + Math.min(CHUNK_BYTES, Number(upload.maxChunkBytes));
  const chunk =
    data instanceof Blob ? new Uint8Array(await data.slice(start, end).arrayBuffer()) : data.subarray(start, end);
  return client.uploads.uploadChunk(
    { uploadId: upload.uploadId, offset: BigInt(start), media: { data: chunk }, crc32c: crc32c(chunk) },
    { timeoutMs: CHUNK_TIMEOUT_MS, ...calling(options) },
  );
}

/** Makes a call that may be repeated until it comes through. */
async function persist<T>(patience: Patience, call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      await patience.wait(error);
    }
  }
}

function calling(options: UploadOptions) {
  return options.signal ? { signal: options.signal } : {};
}

/** A random UUID. `crypto.randomUUID` would want a page with TLS. */
function uuid4(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
