import { createClient as createStub, type Client as Stub, type Interceptor } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";

import { AssetService } from "./gen/threed/v1/assets_pb.js";
import { DerivativeService } from "./gen/threed/v1/derivatives_pb.js";
import { EventService } from "./gen/threed/v1/events_pb.js";
import { RenderService } from "./gen/threed/v1/render_jobs_pb.js";
import { RecipeService } from "./gen/threed/v1/saved_recipes_pb.js";
import { SceneService } from "./gen/threed/v1/scenes_pb.js";
import { SystemService } from "./gen/threed/v1/system_pb.js";
import { UploadService } from "./gen/threed/v1/uploads_pb.js";

/** The services of one server. */
export interface Client {
  readonly assets: Stub<typeof AssetService>;
  readonly uploads: Stub<typeof UploadService>;
  readonly derivatives: Stub<typeof DerivativeService>;
  readonly recipes: Stub<typeof RecipeService>;
  readonly scenes: Stub<typeof SceneService>;
  readonly renders: Stub<typeof RenderService>;
  readonly events: Stub<typeof EventService>;
  readonly system: Stub<typeof SystemService>;
}

/** Where the server is and who calls. */
export interface ClientOptions {
  /** The gateway, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** The token, or a function that is asked before each call, so that it can be renewed. */
  readonly token: string | (() => string | Promise<string>);
  /** Default: the fetch of the platform. */
  readonly fetch?: typeof globalThis.fetch;
}

/**
 * Bundles the services of one server. Connects with the first call, not here.
 *
 * gRPC-Web cannot stream to the server: `assets.uploadAsset` and `uploads.writeUpload` fail by its nature. Use
 * `uploadBlob`.
 */
export function createClient(options: ClientOptions): Client {
  const transport = createGrpcWebTransport({
    baseUrl: options.url,
    interceptors: [authorizing(options.token)],
    ...(options.fetch && { fetch: options.fetch }),
  });
  return {
    assets: createStub(AssetService, transport),
    uploads: createStub(UploadService, transport),
    derivatives: createStub(DerivativeService, transport),
    recipes: createStub(RecipeService, transport),
    scenes: createStub(SceneService, transport),
    renders: createStub(RenderService, transport),
    events: createStub(EventService, transport),
    system: createStub(SystemService, transport),
  };
}

function authorizing(token: ClientOptions["token"]): Interceptor {
  return (next) => async (request) => {
    request.header.set("authorization", `Bearer ${typeof token === "function" ? await token() : token}`);
    return next(request);
  };
}
