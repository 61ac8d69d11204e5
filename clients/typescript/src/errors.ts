import { isMessage } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { ConnectError, decodeBinaryHeader } from "@connectrpc/connect";

import { type ErrorInfo, ErrorInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { type Status, StatusSchema } from "./gen/google/rpc/status_pb.js";

const DOMAIN = "threed.dev";

/**
 * The word of the API that says why: `ASSET_NOT_READY` ... It never changes, while the sentence of the error may.
 *
 * Takes what a call threw, or the `error` of a failed asset, upload or job. "" when it does not come from a threed server.
 */
export function reason(error: unknown): string {
  return errorInfo(error)?.reason ?? "";
}

/** Every variable of the error's sentence, by name. */
export function errorMetadata(error: unknown): Record<string, string> {
  return errorInfo(error)?.metadata ?? {};
}

function errorInfo(error: unknown): ErrorInfo | undefined {
  return details(error).find((info) => info.domain === DOMAIN);
}

function details(error: unknown): ErrorInfo[] {
  const status = isMessage(error, StatusSchema) ? error : statusInHeader(error);
  if (status) return status.details.map((any) => anyUnpack(any, ErrorInfoSchema)).filter((info) => info !== undefined);
  return error instanceof ConnectError ? error.findDetails(ErrorInfoSchema) : [];
}

/** The status that a gateway sends with an HTTP error: connect-es reads no details from answers that are not 2xx. */
function statusInHeader(error: unknown): Status | undefined {
  const encoded = error instanceof ConnectError ? error.metadata.get("grpc-status-details-bin") : null;
  return encoded ? decodeBinaryHeader(encoded, StatusSchema) : undefined;
}
